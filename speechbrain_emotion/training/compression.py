"""A small encoder from a large one: where distillation starts."""

import functools

import torch
from tqdm import tqdm

from speechbrain_emotion.nnet.lengths import true_lengths
from speechbrain_emotion.nnet.low_rank import factorize_, input_moments


@torch.no_grad()
def compress(student, teacher, batches):
    """Sets a low-rank encoder to the best approximation of a full one.

    Each low-rank layer gets the factors that change the outputs of the
    teacher's layer least, for the inputs that it meets in real speech; all
    other parameters are copied.

    Arguments
    ---------
    student : SpeechEncoder
        With low-rank layers, otherwise of the teacher's architecture; changed
        in place.
    teacher : SpeechEncoder
        The full encoder.
    batches : iterable of tuple
        Waveforms [batch, samples] and relative lengths [batch].

    Returns
    -------
    torch.Tensor
        Standard deviation of each dimension of the teacher's frames, [dim].

    Example
    -------
    >>> from speechbrain_emotion.lobes.whisper import WhisperEncoder
    >>> config = {
    ...     "d_model": 16,
    ...     "encoder_layers": 1,
    ...     "encoder_attention_heads": 2,
    ...     "encoder_ffn_dim": 32,
    ... }
    >>> teacher = WhisperEncoder(config=config).eval()
    >>> student = WhisperEncoder(config=config, low_rank={"*.fc?": 8}).eval()
    >>> batch = torch.randn(2, 8000), torch.ones(2)
    >>> compress(student, teacher, [batch]).shape
    torch.Size([16])
    """
    pairs = {
        name: (module, teacher.get_submodule(name))
        for name, module in student.named_modules()
        if _is_low_rank(module, teacher, name)
    }
    moments = dict.fromkeys(pairs, 0.0)

    def observe(name, layer, inputs):
        """Adds what a layer is given to its sum."""
        moments[name] = moments[name] + input_moments(layer, inputs[0])

    hooks = [
        layer.register_forward_pre_hook(functools.partial(observe, name))
        for name, (_, layer) in pairs.items()
    ]
    deviation = _frame_deviation(teacher, batches)
    for hook in hooks:
        hook.remove()
    for name, (pair, layer) in tqdm(pairs.items(), desc="factorising"):
        factorize_(pair, layer, moments[name])
    _copy_rest(student, teacher, pairs)
    return deviation


def _is_low_rank(module, teacher, name):
    """Tells whether two layers stand where the teacher has one."""
    if not isinstance(module, torch.nn.Sequential):
        return False
    return not isinstance(teacher.get_submodule(name), torch.nn.Sequential)


def _frame_deviation(teacher, batches):
    """Runs the teacher; standard deviation of its frames, [dim]."""
    frames = []
    for wavs, wav_lens in tqdm(batches, desc="calibrating"):
        for wav, n in zip(wavs, true_lengths(wav_lens, wavs.shape[1])):
            # One by one: padding is no input to learn from.
            frames.append(teacher(wav[None, :n])[0][0])
    return torch.cat(frames).std(dim=0)


def _copy_rest(student, teacher, pairs):
    """Copies what has not been factorised."""
    replaced = tuple(f"{name}." for name in pairs)
    state = {
        name: tensor
        for name, tensor in teacher.state_dict().items()
        if not name.startswith(replaced)
    }
    _, unexpected = student.load_state_dict(state, strict=False)
    if unexpected:
        raise ValueError(
            "student and teacher differ in more than low-rank layers: "
            f"{', '.join(unexpected)}"
        )
