"""Parts of texts: the vectors and weights of the tokens of their words."""

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from text_layouts import CONFIG, KINDS
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from speechbrain_emotion.dataio.transcript import Passage, Transcript
from speechbrain_emotion.dataio.words import Word
from speechbrain_emotion.lobes.embedding import TextEmbedding
from speechbrain_emotion.lobes.passages import read_texts
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer

FAMILY = "\U0001f469\u200d\U0001f467"  # one sign of three characters
SPOKEN = [
    "sad",
    "Äpfel",
    "naïve",
    "I'm",
    "🙂",
    FAMILY,
    "zo-",
    "so!",
    "ﬁn",
    "not",
]
GAPS = [" ", "  ", " — ", "\n"]
ENDS = [("", ""), (" ", " \n"), ("«", "»")]
words_of_text = st.lists(st.sampled_from(SPOKEN), min_size=1, max_size=7)


def transcript(words, confidences=None, gap=" ", ends=("", "")):
    """One word a second."""
    if confidences is None:
        confidences = [1.0] * len(words)
    spoken = [
        Word(text, second, second + 1, confidence)
        for second, (text, confidence) in enumerate(zip(words, confidences))
    ]
    return Transcript(gap.join(words).join(ends), spoken)


def part(context, first, last):
    return Passage(context, range(first, last))


def byte_level():
    """A tokenizer as RoBERTa's: it knows every byte and some words."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["so sad not sad Äpfel"] * 9, trainer)
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0)
    )
    backend.enable_padding(pad_id=1, pad_token="<pad>")
    tokenizer = TextTokenizer()
    tokenizer.backend = backend
    return tokenizer


@pytest.fixture(scope="module")
def readers(encoders):
    """Encoders that give the vectors of all tokens."""
    torch.manual_seed(0)
    config = {**CONFIG, "model_type": "roberta", "vocab_size": 300}
    roberta = TextEncoder(
        config=config, tokenizer=byte_level(), output="tokens"
    )
    return {"bert": encoders["bert", "tokens"], "roberta": roberta.eval()}


# ---- characters of tokens --------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    words=words_of_text, gap=st.sampled_from(GAPS), ends=st.sampled_from(ENDS)
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_token_is_of_its_word(kind, readers, words, gap, ends):
    tokenizer = readers[kind].tokenizer
    context = transcript(words, gap=gap, ends=ends)
    (offsets,) = tokenizer.offsets([context.text])
    tokens = tokenizer.backend.encode(context.text).tokens
    assert len(tokens) == len(offsets)
    assert offsets[0] == offsets[-1] == (0, 0)
    for word, (start, stop) in zip(words, context.offsets):
        found = [
            token
            for token, (first, end) in zip(tokens, offsets)
            if first < stop and start < end
        ]
        # Those that it has by itself, after a space or not.
        alone = [
            tokenizer.backend.encode(space + word).tokens[1:-1]
            for space in ("", " ")
        ]
        assert found in alone and found


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_have_no_padding_and_are_cut(kind, folders):
    encoder = TextEncoder(folders[kind], output="tokens").eval()
    encoder.tokenizer.truncate(5)
    texts = ["so sad", "a", "", "i am so very sad again"]
    _, lengths = encoder.tokenizer(texts)
    assert [*map(len, encoder.offsets(texts))] == lengths.tolist()
    encoder.output = "cls"
    assert encoder.offsets(texts) == [[(0, len(text))] for text in texts]


# ---- whole texts and parts -------------------------------------------------


@torch.no_grad()
@settings(deadline=None, max_examples=40)
@given(
    words=words_of_text,
    others=st.lists(words_of_text, max_size=2),
    data=st.data(),
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_has_the_vectors_of_its_words(
    kind, readers, words, others, data
):
    encoder = readers[kind]
    context = transcript(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    texts = [part(context, first, last), *map(" ".join, others)]
    order = data.draw(st.permutations(range(len(texts))))
    found, weights = read_texts(encoder, [texts[i] for i in order])
    vectors = found[order.index(0)]
    assert [*map(len, weights)] == [*map(len, found)]
    (whole,), _ = read_texts(encoder, [context.text])
    if last - first < len(words):
        # Without special tokens and spaces.
        kept = [
            i
            for i, (a, b) in enumerate(encoder.offsets([context.text])[0])
            if any(
                a < end and start < b
                for start, end in context.offsets[first:last]
            )
        ]
        whole = whole[kept]
    torch.testing.assert_close(vectors, whole, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_words_without_space_between_share_no_token(kind, readers):
    encoder = readers[kind]
    context = transcript(["zo", "by", "pf"], gap="")
    assert len(encoder.offsets([context.text])[0]) == 8  # a letter each
    (whole,), _ = read_texts(encoder, [context.text])
    for i in range(3):
        (vectors,), _ = read_texts(encoder, [part(context, i, i + 1)])
        torch.testing.assert_close(
            vectors, whole[2 * i + 1 :][:2], rtol=0, atol=1e-5
        )


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["cls", "tokens"])
def test_a_whole_passage_is_the_string(kind, output, encoders):
    encoder = encoders[kind, output]
    context = transcript(SPOKEN)
    texts = [
        context.text,
        context.passage(),
        Transcript(context.text).passage(),
    ]
    for text in texts:
        assert torch.equal(
            TextEmbedding(encoder).eval()(texts=[text]),
            TextEmbedding(encoder).eval()(texts=[context.text]),
        )


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_token_stands_for_the_sentences(kind, encoders):
    encoder = encoders[kind, "cls"]
    context = transcript(["so", "sad", "again"], [0.5, 0.25, 1.0])
    parts = [part(context, 1, 2), part(context, 0, 2)]
    vectors, weights = read_texts(encoder, [context.text, *parts], weigh=True)
    assert all(torch.equal(v, vectors[0]) for v in vectors)
    assert [w.tolist() for w in weights] == [[1.0], [0.25], [0.375]]


@torch.no_grad()
@pytest.mark.parametrize("training", [False, True])
def test_a_text_is_read_once_except_in_training(training, folders):
    encoder = TextEncoder(folders["bert"], output="tokens").train(training)
    seen = []
    encoder.model.register_forward_hook(
        lambda model, inputs, output: seen.append(len(inputs[0]))
    )
    context = transcript(["so", "sad", "again"])
    texts = [part(context, i, i + 1) for i in range(3)]
    vectors, _ = read_texts(encoder, [*texts, "so sad again", "so"])
    assert seen == [5 if training else 2]
    assert [*map(len, vectors)] == [1, 1, 1, 5, 3]


@torch.no_grad()
def test_cached_texts_serve_parts(folders):
    plain, cached = (
        TextEncoder(
            folders["roberta"], freeze=True, output="tokens", cached_texts=n
        ).eval()
        for n in (0, 5)
    )
    context = transcript(SPOKEN)
    texts = [part(context, 2, 5), context.text, part(context, 0, 1)]
    for _ in range(2):
        for found, expected in zip(
            read_texts(cached, texts)[0], read_texts(plain, texts)[0]
        ):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert len(cached.cache.vectors) == 1


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_off_has_no_token(kind, folders):
    encoder = TextEncoder(folders[kind], output="tokens").eval()
    encoder.tokenizer.truncate(6)
    context = transcript(["so"] * 20)
    near, far = part(context, 0, 2), part(context, 15, 20)
    (found, nothing, whole), weights = read_texts(
        encoder, [near, far, context.passage()], weigh=True
    )
    assert len(found) > 0 and len(whole) == 6
    assert nothing.shape == (0, 24) and len(weights[1]) == 0
    embedded = TextEmbedding(encoder).eval()(texts=[near, far])
    assert embedded[0].any() and not embedded[1].any()


# ---- weights ---------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_the_confidence_of_the_words(kind, encoders):
    encoder = encoders[kind, "tokens"]
    context = transcript(["zoo", "by", "ab"], [0.5, 0.25, 0.75])
    _, (part_of, whole, string, untimed) = read_texts(
        encoder,
        [
            part(context, 0, 2),
            context.passage(),
            context.text,
            Transcript("ab").passage(),
        ],
        weigh=True,
    )
    assert part_of.tolist() == [0.5] * 3 + [0.25] * 2
    if kind == "roberta":  # this tiny vocabulary has spaces as tokens
        whole = torch.cat([whole[:4], whole[5:7], whole[8:]])
    mean = 0.5  # of the special tokens
    expected = [mean, *[0.5] * 3, *[0.25] * 2, *[0.75] * 2, mean]
    assert whole.tolist() == expected
    assert (string == 1).all() and (untimed == 1).all()
    _, unwanted = read_texts(encoder, [context.passage()])
    assert (unwanted[0] == 1).all()


def test_a_token_of_two_words_has_their_mean(folders):
    encoder = TextEncoder(folders["bert"], output="tokens").eval()
    words = [Word("so", 0, 1, 0.5), Word("sad", 1, 2, 0.25)]
    context = Transcript("sosad", words)
    # As if one token: the whole is not in the vocabulary.
    encoder.offsets = lambda texts: [[(0, 0), (0, 5), (0, 0)]]
    encoder.forward = lambda texts: (torch.ones(1, 3, 2), torch.ones(1))
    texts = [part(context, 0, 1), part(context, 1, 2), context.passage()]
    vectors, weights = read_texts(encoder, texts, weigh=True)
    assert [*map(len, vectors)] == [1, 1, 3]
    assert [w.tolist() for w in weights] == [[0.5], [0.25], [0.375] * 3]


@torch.no_grad()
@pytest.mark.parametrize("trim", [False, True])
def test_a_token_with_the_space_before_its_word(trim, readers):
    encoder = readers["roberta"]
    backend = encoder.tokenizer.backend
    kept = backend.post_processor
    backend.post_processor = processors.ByteLevel(trim_offsets=trim)
    context = transcript(["so", "sad"])
    assert backend.encode(context.text).tokens == ["so", "Ġsad"]
    ((first, end),) = encoder.offsets([context.text])[0][1:]
    assert context.text[first:end] == ("sad" if trim else " sad")
    (second,), _ = read_texts(encoder, [part(context, 1, 2)])
    backend.post_processor = kept
    assert len(second) == 1
