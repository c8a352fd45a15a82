"""Emotion over time: what is pooled, what is read, and when."""

import math

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from local_models import (
    LABELS,
    LIMIT,
    Dictation,
    Letters,
    LocalEncoder,
    build,
    build_both,
    build_hearing,
    noise,
    write,
)
from torch import nn

from speechbrain_emotion import AudioError, TextError, Transcript, Word
from speechbrain_emotion.inference import segments as segments_module
from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.nnet.fusion import ConcatFusion

FRAME = 320 / 16000

WORDS = [
    Word("Oh", 0.02, 0.1),
    Word("no!", 0.1, 0.2, 0.5),
    Word("Kids", 0.26, 0.5),
    Word("talk.", 0.5, 0.7, 0.25),
]
SAID = Transcript("Oh no! Kids talk.", WORDS)


@pytest.fixture(scope="module")
def hearing():
    return build_hearing()


@pytest.fixture(scope="module")
def both():
    return build_both()


@pytest.fixture(scope="module")
def reading():
    torch.manual_seed(0)
    return build(TextEmbedding(Letters()), 1)


def frames_of(classifier, wav):
    """All frames of a recording, [frames, dim]."""
    encoder = classifier.mods.model.embedding_model.encoder
    with torch.no_grad():
        return encoder(wav[None], torch.ones(1))[0][0]


def scores_of(classifier, embedding):
    log_probs, *_ = classifier.classify_embeddings(embedding[None])
    return pytest.approx(log_probs[0].exp().tolist(), abs=1e-5)


# Up to and beyond what is encoded at once; a few samples fill no frame.
lengths = st.sampled_from([320, 3000, LIMIT, LIMIT + 1, 20000, 50001])


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n_samples=lengths)
def test_frames_between_the_bounds(hearing, data, n_samples):
    n_frames = n_samples // 320
    edges = st.integers(0, n_frames)
    pairs = st.lists(st.tuples(edges, edges), min_size=1, max_size=8)
    near = st.floats(-0.0099, 0.0099)  # less than half a frame
    bounds, expected = [], []
    frames = frames_of(hearing, noise(n_samples))
    for first, end in map(sorted, data.draw(pairs)):
        end = max(end, first + 1)
        start = max(0.0, first * FRAME + data.draw(near))
        stop = max(start + 1e-3, end * FRAME + data.draw(near))
        bounds.append((start, min(stop, n_samples / 16000)))
        if bounds[-1][0] >= bounds[-1][1]:
            bounds.pop()
            continue
        inside = frames[first:end] if first < n_frames else frames[-1:]
        expected.append(inside.mean(dim=0))
    if not bounds:
        return
    found = hearing.predict(noise(n_samples), segments=bounds)
    assert [(s.start, s.end) for s in found.segments] == bounds
    for segment, mean in zip(found.segments, expected):
        assert [*segment.scores.values()] == scores_of(hearing, mean)
        assert segment.score == max(segment.scores.values())
        assert segment.scores[segment.label] == segment.score
    alone = hearing.predict(noise(n_samples))
    assert found.scores == pytest.approx(alone.scores, abs=1e-6)


@pytest.mark.parametrize("n_samples", [LIMIT, 50000])
def test_one_pass(hearing, monkeypatch, n_samples):
    encoder, encoded = hearing.encoder, []
    forward = encoder.forward

    def watch(wavs, lens):
        encoded.append(wavs.shape)
        return forward(wavs, lens)

    monkeypatch.setattr(encoder, "forward", watch)
    hearing.predict(noise(n_samples))
    whole = list(encoded)
    encoded.clear()
    found = hearing.predict(
        noise(n_samples), segments="windows", window_seconds=0.05
    )
    assert len(found.segments) == math.ceil(n_samples / 800)
    assert encoded == whole


def test_words_are_read_within_their_sentence(both):
    wav = noise(LIMIT * 2)
    frames = frames_of(both, wav)
    found = both.predict(wav, SAID, segments="words")
    assert [s.text for s in found.segments] == ["Oh", "no!", "Kids", "talk."]
    assert [(s.start, s.end) for s in found.segments] == [
        (w.start, w.end) for w in WORDS
    ]
    read = ["Oh no!", "Oh no!", "Kids talk.", "Kids talk."]
    for segment, sentence in zip(found.segments, read):
        inside = frames[
            round(segment.start / FRAME) : round(segment.end / FRAME)
        ]
        mean = torch.cat(
            [inside.mean(dim=0), torch.tensor([len(sentence) * 1.0])]
        )
        assert [*segment.scores.values()] == scores_of(both, mean)
        assert segment.modalities == ("speech", "text")


def test_sentences(both, hearing, reading):
    wav = noise(LIMIT * 2)
    found = both.predict(wav, SAID, segments="sentences")
    assert [(s.start, s.end, s.text) for s in found.segments] == [
        (0.02, 0.2, "Oh no!"),
        (0.26, 0.7, "Kids talk."),
    ]
    pairs = [(0.02, 0.2), (0.26, 0.7)]
    assert both.predict(wav, SAID, segments=pairs).segments == found.segments
    # A model that only hears takes the times, one that only reads the words.
    heard = hearing.predict(wav, SAID, segments="sentences")
    assert [s.text for s in heard.segments] == ["Oh no!", "Kids talk."]
    assert {s.modalities for s in heard.segments} == {("speech",)}
    assert heard.modalities == ("speech",) and heard.transcript == SAID
    read = reading.predict(None, SAID, segments="sentences")
    expected = reading.predict(texts=["Oh no!", "Kids talk."])
    assert [s.scores for s in read.segments] == [p.scores for p in expected]
    assert {s.modalities for s in read.segments} == {("text",)}
    assert read.scores == reading.predict(texts=SAID.text).scores


def test_what_is_said_in_a_long_recording(both):
    """Each window is read with what is said in it."""
    wav = noise(LIMIT * 2)
    found = both.encode_utterance(wav, SAID)
    # Windows keep 0 to 0.36, 0.36 to 0.68 and 0.68 to 0.8 s. The middles of
    # "Kids" and "talk." are at 0.38 and 0.6 s.
    shares = [("Oh no!", 0.36), ("Kids talk.", 0.32), ("", 0.12)]
    expected = sum(len(text) * share / 0.8 for text, share in shares)
    assert found[0, -1].item() == pytest.approx(expected, abs=1e-5)
    short = both.encode_utterance(wav[:LIMIT], Transcript("Oh no!", WORDS[:2]))
    assert short[0, -1] == len("Oh no!")


def test_segments_where_nothing_is_said(both, reading):
    wav = noise(LIMIT * 2)
    bounds = [(0.0, 0.1), (0.7, 0.8)]
    spoken, silent = both.predict(wav, SAID, segments=bounds).segments
    assert spoken.modalities == ("speech", "text")
    assert silent.modalities == ("speech",) and silent.text is None
    without = both.predict([wav], [None], segments=bounds)[0].segments[1]
    assert silent.scores == pytest.approx(without.scores, abs=1e-6)
    spoken, silent = reading.predict(wav, SAID, segments=bounds).segments
    assert spoken.label in LABELS
    assert (silent.label, silent.score, silent.scores) == (None, None, {})
    assert silent.modalities == ()


def test_silent_segments_of_a_long_recording(hearing):
    wav = torch.cat((noise(16000), torch.zeros(32000), noise(16000)))
    bounds = [(0.1, 0.9), (1.5, 2.5), (3.1, 3.9)]
    found = hearing.predict(wav, segments=bounds)
    assert [s.label is None for s in found.segments] == [False, True, False]
    assert found.segments[1].modalities == ()
    assert found.label in LABELS


def test_windows(hearing):
    found = hearing.predict(noise(16000 * 7), segments="windows")
    bounds = [(s.start, s.end) for s in found.segments]
    assert bounds == [(0.0, 3.0), (3.0, 6.0), (6.0, 7.0)]
    third = hearing.predict(
        noise(16000 * 7), segments="windows", window_seconds=1 / 3
    )
    assert len(third.segments) == 21
    [short] = hearing.predict(noise(1600), segments=[(0.05, 0.051)]).segments
    assert short.label in LABELS  # of a frame at least
    [alone] = hearing.predict(noise(1600), segments="windows").segments
    assert (alone.start, alone.end) == (0.0, 0.1)


def test_stretches_of_speech(hearing, monkeypatch, tmp_path):
    heard = []

    def find(blocks):
        heard.append(torch.cat([*blocks]))
        return [(0.1, 0.3), (0.5, 0.6)]

    monkeypatch.setattr(segments_module, "speech_segments", find)
    wav = noise(16000)
    found = hearing.predict(write(tmp_path / "a.wav", wav), segments="vad")
    assert [(s.start, s.end) for s in found.segments] == [
        (0.1, 0.3),
        (0.5, 0.6),
    ]
    assert torch.equal(heard[0], wav)


def test_what_is_transcribed(both, hearing):
    listener = Dictation(SAID)
    wav = noise(16000)
    found = both.predict(wav, segments="words", transcriber=listener)
    assert found.transcribed and len(found.segments) == 4
    assert found.segments == both.predict(wav, SAID, segments="words").segments
    heard = hearing.predict(wav, segments="words", transcriber=listener)
    assert [s.text for s in heard.segments] == ["Oh", "no!", "Kids", "talk."]
    assert listener.heard == [16000] * 2
    nothing = Dictation(Transcript(""))
    silent = both.predict(wav, segments="words", transcriber=nothing)
    assert silent.segments == () and silent.modalities == ("speech",)


def test_a_list(both, tmp_path):
    wavs = [noise(n, seed=n) for n in (3000, 20000, 12000)]
    early = Transcript("Oh", [Word("Oh", 0.0, 0.1)])
    texts = [early, SAID, None]
    found = both.predict([*wavs, "gone.wav"], [*texts, SAID], segments="words")
    assert "gone.wav" in found[-1].error and found[-1].segments == ()
    assert "the waveform has no text, whose words were" in found[2].error
    assert [len(p.segments) for p in found] == [1, 4, 0, 0]
    for prediction, wav, text in zip(found[:2], wavs, texts):
        alone = both.predict(wav, text, segments="words")
        assert prediction == alone


@pytest.mark.parametrize("kind", ["words", "sentences"])
def test_words_at_the_end_and_of_no_length(both, reading, kind):
    times = [(0.3, 0.3), (0.3, 0.3), (0.3, 0.31), (0.999, 1.0), (1.0, 1.02)]
    texts = ["A.", "B.", "C.", "D.", "E."]
    words = [Word(text, *time) for text, time in zip(texts, times)]
    transcript = Transcript(" ".join(texts), words)
    for classifier in (both, reading):
        found = classifier.predict(noise(16000), transcript, segments=kind)
        assert [s.text for s in found.segments] == texts
        for segment in found.segments:
            assert 0 <= segment.start < segment.end <= 1.0
            assert segment.label and "text" in segment.modalities
        alone = classifier.predict(noise(16000), Transcript("C.", words[2:3]))
        assert alone.text == "C."


def test_audio_that_ends_before_its_header_says(
    hearing, both, tmp_path, monkeypatch
):
    file = write(tmp_path / "cut.wav", noise(16000 * 3))
    monkeypatch.setattr(
        "speechbrain_emotion.inference.utterance.audio_length",
        lambda path, rate: 16000 * 9,
    )
    found = hearing.predict(file, segments="windows", window_seconds=2.0)
    assert [s.label is not None for s in found.segments] == [
        True,
        True,
        False,
        False,
        False,
    ]
    monkeypatch.setattr(
        "speechbrain_emotion.inference.utterance.audio_length",
        lambda path, rate: 2**63 - 1,
    )
    with pytest.raises(AudioError, match="cut.wav' does not say how long"):
        hearing.predict(file, segments="windows")


@pytest.mark.parametrize("gate", ["mask", "weight"])
def test_words_that_no_gate_lets_through(gate):
    torch.manual_seed(0)
    classifier = build(
        MultimodalEmbedding(
            LocalEncoder(),
            Letters(),
            ConcatFusion(speech_size=4, text_size=1),
            confidence_gate=gate,
        ),
        5,
    )
    unsure = [Word("so", 0.0, 0.3, 0.0), Word("sad", 0.4, 0.7, 0.0)]
    mumbled = Transcript("so sad", unsure)
    wav = noise(16000)
    found = classifier.predict(wav, mumbled, segments="words")
    [without] = classifier.predict([wav], [None])
    assert found.modalities == without.modalities == ("speech",)
    assert found.scores == pytest.approx(without.scores, abs=1e-6)
    assert {s.modalities for s in found.segments} == {("speech",)}
    assert [s.text for s in found.segments] == ["so", "sad"]
    with pytest.raises(TextError, match="none that are sure enough"):
        classifier.encode_utterance(None, mumbled)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"segments": "letters"}, "segments 'letters': choose words, sent"),
        ({"segments": [(1.0, 0.5)]}, r"segment \(1.0, 0.5\): give \(start"),
        ({"segments": [(0.0, math.nan)]}, "start < end"),
        ({"segments": [(0.0, 0.1, 0.2)]}, "start < end"),
        ({"segments": [0.5]}, "the segment 0.5: give"),
        ({"segments": torch.zeros(1, 2)}, "segments tensor.*: choose words"),
        ({"segments": "words", "window_seconds": 1.0}, "not 'windows'"),
        ({"window_seconds": 1.0}, "not 'windows': leave it out"),
        ({"segments": "windows", "window_seconds": 0}, "at least 0.02 s"),
        ({"segments": "windows", "window_seconds": "a"}, "at least 0.02 s"),
    ],
)
def test_bad_segments(bad, message, hearing):
    with pytest.raises(ValueError, match=message):
        hearing.predict(noise(16000), **bad)


def test_segments_that_cannot_be_found(both, reading, hearing):
    with pytest.raises(TextError, match="the text of the waveform has no tim"):
        both.predict(noise(16000), "Oh no!", segments="words")
    with pytest.raises(AudioError, match="from 0.5 to 1.5 s .* lasts 1 s"):
        hearing.predict(noise(16000), segments=[(0.5, 1.5)])
    with pytest.raises(AudioError, match="from 1.005 to 1.015 s lies behind"):
        hearing.predict(noise(16000), segments=[(1.005, 1.015)])
    with pytest.raises(TextError, match="parts of audio, which the text has"):
        reading.predict(None, SAID, segments="windows")
    failed, good = hearing.predict(
        [noise(1600), noise(16000)], segments=[(0.5, 1.0)]
    )
    assert "lies behind the end" in failed.error and good.error is None


def test_tokens_of_a_segment():
    """A text encoder that gives a vector for each token."""

    class Characters(nn.Module):
        output_size = 1

        def forward(self, texts):
            codes = [torch.tensor([*map(float, map(ord, t))]) for t in texts]
            size = max(map(len, codes))
            lens = torch.tensor([len(c) / size for c in codes])
            padded = nn.utils.rnn.pad_sequence(codes, batch_first=True)
            return padded.unsqueeze(-1), lens

        def offsets(self, texts):
            return [[(i, i + 1) for i in range(len(t))] for t in texts]

    fusion = ConcatFusion(speech_size=4, text_size=1)
    model = MultimodalEmbedding(LocalEncoder(), Characters(), fusion)
    classifier = build(model, 5)
    bounds = [(w.start, w.end) for w in WORDS]
    embeddings, answered = classifier.encode_segments(
        [noise(16000)], bounds, SAID
    )
    means = [sum(map(ord, w.text)) / len(w.text) for w in WORDS]
    assert embeddings[:, -1].tolist() == pytest.approx(means)
    assert answered.all()
