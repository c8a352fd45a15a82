"""What a model reads of a batch, in training and for kept embeddings."""


def read_inputs(batch, modalities):
    """Takes the inputs of a model out of a batch.

    Arguments
    ---------
    batch : speechbrain.dataio.batch.PaddedBatch
        With ``sig`` for speech and ``words`` for text.
    modalities : tuple of str
        What the model reads: "speech", "text" or both.

    Returns
    -------
    wavs : torch.Tensor
        Waveforms, [batch, samples]; None for a model of text.
    wav_lens : torch.Tensor
        Relative lengths, [batch]; None for a model of text.
    texts : list of str
        None for a model of speech. Beside speech, a text that is not known
        is missing (None), not empty.

    Example
    -------
    >>> import torch
    >>> from types import SimpleNamespace
    >>> sound = torch.zeros(2, 9), torch.ones(2)
    >>> batch = SimpleNamespace(sig=sound, words=["Oh!", ""])
    >>> read_inputs(batch, ("speech", "text"))[2]
    ['Oh!', None]
    """
    wavs = wav_lens = texts = None
    if "speech" in modalities:
        wavs, wav_lens = batch.sig
    if "text" in modalities:
        texts = batch.words
        if wavs is not None:
            texts = [text or None for text in texts]
    return wavs, wav_lens, texts
