"""What all pretrained speech encoders of this package share."""

import torch

from speechbrain.dataio.dataio import length_to_mask
from speechbrain_emotion.lobes.pretrained_encoder import PretrainedEncoder
from speechbrain_emotion.nnet.layer_mixing import LayerMixing
from speechbrain_emotion.nnet.lengths import full_lengths, true_lengths


class SpeechEncoder(PretrainedEncoder):
    """Base of the speech encoders: waveforms in, frames out.

    A subclass implements ``_features`` and ``_encode``, and ``count_frames``
    where frames reach beyond the end of a clip.

    Arguments
    ---------
    layer : str, int or list of int
        "last", the index of a hidden state (0 is the input of the first
        layer), several of them to be put side by side, or "weighted" for a
        learned mixture of all hidden states.
    **arguments
        See ``PretrainedEncoder``.

    Raises
    ------
    ValueError
        If there is no such layer, and as ``PretrainedEncoder``.
    """

    sample_rate = 16000
    frame_samples = 320  # from one frame to the next: 20 ms
    min_samples = 1
    max_samples = None

    def __init__(self, layer="last", **arguments):
        self.layer = layer  # override_config reads it
        super().__init__(**arguments)
        n_states = self.model.config.num_hidden_layers + 1
        _check_layer(layer, n_states)
        n_chosen = len(layer) if isinstance(layer, list) else 1
        self.output_size = n_chosen * self.model.config.hidden_size
        self.layer_mixing = (
            LayerMixing(n_states) if layer == "weighted" else None
        )

    def forward(self, wavs, wav_lens=None):
        """Encodes a batch of waveforms.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at 16 kHz, [batch, samples]. What lies in the padding
            does not matter.
        wav_lens : torch.Tensor
            Relative lengths, [batch]. None: all have the full length.

        Returns
        -------
        frames : torch.Tensor
            [batch, frames, output_size], zeros in the padding.
        frame_lens : torch.Tensor
            Relative lengths, [batch]: the true number of frames divided by
            the number of frames of the longest clip.

        Raises
        ------
        ValueError
            If a clip is shorter or longer than the encoder can take.
        """
        return self.encode(*self.features(wavs, wav_lens))

    def count_frames(self, n_samples):
        """Counts the frames of a clip: those that lie in it as a whole.

        Arguments
        ---------
        n_samples : int
            Length of the clip, at least ``min_samples``, which make a frame.

        Returns
        -------
        int
        """
        return 1 + (n_samples - self.min_samples) // self.frame_samples

    def features(self, wavs, wav_lens=None):
        """Computes what the pretrained model reads, without running it.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at 16 kHz, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]. None: all have the full length.

        Returns
        -------
        features : torch.Tensor
            [batch, steps, bins], float32, zeros in the padding.
        feature_lens : torch.Tensor
            Relative lengths, [batch].

        Raises
        ------
        ValueError
            If a clip is shorter or longer than the encoder can take.
        """
        n_samples = self._sample_counts(wavs, wav_lens)
        with torch.set_grad_enabled(self._trains()):
            features, n_steps = self._features(wavs, n_samples)
        return features, n_steps / features.shape[1]

    def encode(self, features, feature_lens):
        """Encodes a batch of features.

        Arguments
        ---------
        features : torch.Tensor
            As ``features`` gives them, [batch, steps, bins].
        feature_lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        frames : torch.Tensor
            [batch, frames, output_size], zeros in the padding.
        frame_lens : torch.Tensor
            Relative lengths, [batch].
        """
        n_steps = true_lengths(feature_lens, features.shape[1])
        with torch.set_grad_enabled(self._trains()):
            hidden_states, n_frames = self._encode(features, n_steps)
        frames = self._select(hidden_states)
        mask = length_to_mask(n_frames, frames.shape[1], dtype=torch.bool)
        frames = frames.masked_fill(~mask.unsqueeze(-1), 0.0)
        return frames, n_frames / frames.shape[1]

    def _trains(self):
        """Whether gradients go through the encoder."""
        return torch.is_grad_enabled() and not self.freeze

    def _features(self, wavs, n_samples):
        """Features, [batch, steps, bins], and true numbers of steps."""
        raise NotImplementedError

    def _encode(self, features, n_steps):
        """Hidden states, each [batch, frames, dim], and numbers of frames.

        Where ``layer`` is "last", only the last state is read.
        """
        raise NotImplementedError

    def _select(self, hidden_states):
        """Reduces the hidden states to the frames asked for."""
        if self.layer == "last":
            return hidden_states[-1]
        if self.layer == "weighted":
            return self.layer_mixing(hidden_states)
        if isinstance(self.layer, list):
            chosen = [hidden_states[index] for index in self.layer]
            return torch.cat(chosen, dim=-1)
        return hidden_states[self.layer]

    def _sample_counts(self, wavs, wav_lens):
        """True numbers of samples, [batch]; raises on an impossible clip."""
        if wavs.ndim != 2:
            raise ValueError(
                "Waveforms must be mono, [batch, samples]; got the shape "
                f"{list(wavs.shape)}."
            )
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        n_samples = true_lengths(wav_lens, wavs.shape[1]).to(wavs.device)
        for row, samples in enumerate(n_samples.tolist()):
            clip = f"Clip {row} of the batch has {self._duration(samples)}: "
            if samples < self.min_samples:
                raise ValueError(
                    f"{clip}{type(self).__name__} needs at least "
                    f"{self._duration(self.min_samples)}. Pad it with "
                    "silence or leave it out."
                )
            if self.max_samples is not None and samples > self.max_samples:
                raise ValueError(
                    f"{clip}{type(self).__name__} takes at most "
                    f"{self._duration(self.max_samples)}. Cut it into "
                    "windows."
                )
        return n_samples

    def _duration(self, samples):
        milliseconds = 1000 * samples / self.sample_rate
        return f"{samples} samples ({milliseconds:.1f} ms)"

    def export_arguments(self):
        """Gives the arguments that rebuild this architecture offline.

        Returns
        -------
        dict
            Arguments of the constructor, in plain Python types that go into
            JSON or YAML. Weights are in ``state_dict()``.
        """
        return {**super().export_arguments(), "layer": self.layer}


def _check_layer(layer, n_states):
    """Raises unless the layer is one of the choices."""
    if layer in ("last", "weighted"):
        return
    indexes = layer if isinstance(layer, list) else [layer]
    if indexes and all(
        isinstance(index, int) and -n_states <= index < n_states
        for index in indexes
    ):
        return
    raise ValueError(
        f"layer={layer!r}: expected 'last', 'weighted', or the index or "
        f"indexes of the {n_states} hidden states."
    )
