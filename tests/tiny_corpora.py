"""Tiny corpora in the layouts of their publishers, to try recipes on.

    python tests/tiny_corpora.py MELD /tmp/meld
    python tests/tiny_corpora.py GoEmotions DAIR ISEAR /tmp/texts

Clips are cut from the twelve of CREMA-D in tests/samples, each in another
place, of the same emotion where there is one. Every emotion occurs in every
part of the published splits, and every speaker and session has clips.
"""

import argparse
import csv
import functools
import importlib.util
import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

SAMPLES = Path(__file__).parent / "samples" / "CREMA-D"
RATE = 16000
LENGTH = 9600  # samples of a clip
START = 6400  # about where the actors start to speak
STEP = 37  # between the starts of two clips

# Emotions of all corpora -> the nearest in CREMA-D.
VOICES = {
    "ANG": "angry anger ang frustration fru",
    "DIS": "disgust dis",
    "FEA": "fear fearful fea",
    "HAP": (
        "happy happiness joy hap exc love surprise surprised sur "
        "pleasant_surprise"
    ),
    "NEU": "neutral neu calm oth xxx others",
    "SAD": "sad sadness shame guilt",
}
VOICE_OF = {
    word: code for code, words in VOICES.items() for word in words.split()
}

SENTENCES = {
    "ANG": "Stop that at once, I can’t stand it",
    "DIS": "That smells awful, take it away",
    "FEA": "Somebody is behind the door",
    "HAP": "What a wonderful surprise",
    "NEU": "The meeting is at ten",
    "SAD": "I miss them so much",
}


def make_corpus(name, folder):
    """Writes a tiny corpus.

    Arguments
    ---------
    name : str
        RAVDESS, TESS, SAVEE, nEMO, CREMA-D, IEMOCAP, MELD, MEACorpus,
        MEACorpus-published (in the publishers' two tables), GoEmotions, DAIR, ISEAR or EmoEvent.
    folder : str or pathlib.Path
        Where to write it; the `data_folder` of its reader.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    CORPORA[name](folder)
    return folder


# Acted speech: everything is in the names of the files. Takes start at
# different numbers, so that corpora that are joined share no recording.


def make_ravdess(folder):
    """24 actors, one clip of each emotion."""
    emotions = "neutral calm happy sad angry fearful disgust surprised".split()
    for take, (actor, code) in enumerate(
        itertools.product(range(1, 25), range(1, 9))
    ):
        name = f"03-01-{code:02d}-01-{1 + actor % 2:02d}-01-{actor:02d}.wav"
        path = folder / f"Actor_{actor:02d}" / name
        write_clip(path, emotions[code - 1], actor, take)


def make_tess(folder):
    """Two actresses, five words in each emotion."""
    words = "back bar base bath bean".split()
    emotions = "angry disgust fear happy neutral ps sad".split()
    for take, (speaker, emotion, word) in enumerate(
        itertools.product(("OAF", "YAF"), emotions, words), start=200
    ):
        name = f"{speaker}_{emotion}/{speaker}_{word}_{emotion}.wav"
        feeling = "surprise" if emotion == "ps" else emotion
        write_clip(folder / name, feeling, speaker == "YAF", take)


def make_savee(folder):
    """Four men, three sentences in each emotion."""
    codes = {
        **{"a": "anger", "d": "disgust", "f": "fear", "h": "happiness"},
        **{"n": "neutral", "sa": "sadness", "su": "surprise"},
    }
    speakers = ("DC", "JE", "JK", "KL")
    for take, (speaker, code, number) in enumerate(
        itertools.product(speakers, codes, (1, 2, 3)), start=300
    ):
        path = folder / "AudioData" / speaker / f"{code}{number:02d}.wav"
        write_clip(path, codes[code], speakers.index(speaker), take)


def make_nemo(folder):
    """Nine actors, two sentences in each emotion, and the table."""
    speakers = "EB0 IC0 KD0 KS0 MK0 MP0 SM0 TP0 WR0".split()
    emotions = "anger fear happiness neutral sadness surprised".split()
    rows = []
    for take, (speaker, emotion, number) in enumerate(
        itertools.product(speakers, emotions, (1, 2)), start=400
    ):
        name = f"{speaker}_{emotion}_{number}.wav"
        path = folder / "samples" / name
        write_clip(path, emotion, speakers.index(speaker), take)
        gender = "male" if speaker in ("KS0", "MP0", "SM0") else "female"
        rows.append([name, emotion, f"Zdanie {number}.", speaker, gender])
    header = ["file_id", "emotion", "raw_text", "speaker_id", "gender"]
    table = "".join("\t".join(row) + "\n" for row in [header, *rows])
    (folder / "data.tsv").write_text(table, encoding="utf-8")


def make_cremad(folder):
    """91 actors, one clip of each emotion, and the table of actors."""
    sentences = "DFA IEO IOM ITH ITS IWL IWW MTI TAI TIE TSI WSI".split()
    codes = "ANG DIS FEA HAP NEU SAD".split()
    actors = range(1001, 1092)
    for take, (actor, code) in enumerate(itertools.product(actors, codes)):
        sentence = sentences[take % len(sentences)]
        name = f"AudioWAV/{actor}_{sentence}_{code}_XX.wav"
        emotion = VOICES[code].split()[0]
        write_clip(folder / name, emotion, actor, take)
    sexes = ("Female", "Male")
    rows = [[actor, 20, sexes[actor % 2]] for actor in actors]
    header = ["ActorID", "Age", "Sex"]
    write_table(folder / "VideoDemographics.csv", [header, *rows])


# Dialogues: labels and texts are in files of their own


def make_iemocap(folder):
    """Five sessions of two scenes, in which both say every emotion once."""
    codes = "ang hap exc sad neu fru fea sur dis oth xxx".split()
    for session, scene in itertools.product(
        range(1, 6), ("impro01", "script01_1")
    ):
        dialogue = f"Ses{session:02d}F_{scene}"
        labels = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        texts = ""
        for i, code in enumerate(codes):
            speaker = "FM"[(i + (scene == "impro01")) % 2]
            name = f"{dialogue}_{speaker}{i:03d}"
            labels += (
                f"[{i}.0000 - {i}.6000]\t{name}\t{code}\t[2.5, 2.5, 2.5]\n"
            )
            labels += f"C-E1:\t{code};\t()\n\n"
            texts += (
                f"{name} [{i:03d}.0000-{i:03d}.6000]: {sentence(code, i)}\n"
            )
            path = f"sentences/wav/{dialogue}/{name}.wav"
            take = 22 * session + 2 * i + (scene == "impro01")
            path = folder / f"Session{session}" / path
            write_clip(path, code, "FM".index(speaker), take)
        dialog = folder / f"Session{session}" / "dialog"
        for kind, text in (
            ("EmoEvaluation", labels),
            ("transcriptions", texts),
        ):
            (dialog / kind).mkdir(parents=True, exist_ok=True)
            (dialog / kind / f"{dialogue}.txt").write_text(text)


def make_meld(folder):
    """Dialogues of seven utterances, three, one and two of them, of five
    episodes; videos where PyAV is there to write them, else audio.
    """
    emotions = "neutral joy sadness anger surprise fear disgust".split()
    speakers = "Chandler Joey Monica Phoebe Rachel Ross Gunther".split()
    header = (
        "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,"
        "Season,Episode,StartTime,EndTime"
    )
    folders = {
        "train": ("train_splits", [(1, 2), (2, 2), (3, 2)]),
        "dev": ("dev_splits_complete", [(1, 3)]),
        "test": ("output_repeated_splits_test", [(1, 2), (2, 4)]),
    }
    have_av = importlib.util.find_spec("av") is not None
    take = 0
    for part, (videos, episodes) in folders.items():
        rows = [header.split(",")]
        for dialogue, (i, emotion) in itertools.product(
            range(len(episodes)), enumerate(emotions)
        ):
            name, take = f"dia{dialogue}_utt{i}", take + 1
            speaker = speakers[(i + dialogue) % len(speakers)]
            rows.append(
                [take, sentence(emotion, take), speaker, emotion, "neutral"]
                + [dialogue, i, *episodes[dialogue], "00:00:01,0", "00:00:01,6"]
            )
            if have_av:
                path = folder / videos / f"{name}.mp4"
                write_video(path, cut(emotion, i, take))
            else:
                path = folder / videos / f"{name}.wav"
                write_clip(path, emotion, i, take)
        write_table(folder / f"{part}_sent_emo.csv", rows)


def make_meacorpus(folder, published=False):
    """Ten segments of each emotion to train and three to test on, some of
    the same videos; with two tables, ours or the publishers'.
    """
    emotions = "anger disgust fear joy neutral sadness".split()
    texts = [["id", "text", "emotion", "split", "language"]]
    segments = [["id", "gender", "duration_s", "video_key"]]
    now = [["filename", "label", "transcription", "split"]]
    before = [["youtube_key", "gender", "start_time", "end_time", *now[0][1:]]]
    for take, (emotion, i) in enumerate(itertools.product(emotions, range(13))):
        id = f"{emotion[:2]}0{i // 3}-{i:04d}"
        part, gender = "test" if i >= 10 else "train", ("female", "male")[i % 2]
        text, video = sentence(emotion, i), f"{emotion}_{i // 3}"
        seconds = LENGTH / RATE
        texts.append([id, text, emotion, part, "es"])
        segments.append([id, gender, seconds, video])
        now.append([f"{id}.mp3", emotion, text, part])
        times = [1000.0, 1000.0 * (1 + seconds)]
        before.append([video, gender, *times, *now[-1][1:]])
        write_clip(folder / "segments" / f"{id}.flac", emotion, i, take)
    if published:
        name = "spanish-meacorpus-2023-dataset.csv"
        write_table(folder / "output" / name, now)
        write_table(folder / "output" / "dataset.csv", before)
    else:
        write_table(folder / "spanish_meacorpus_2023.csv", texts)
        write_table(folder / "spanish_meacorpus_2023_segments.csv", segments)


# Texts


def make_texts(filename, emotions, parts, lang, folder):
    """Ten texts of each emotion in each part."""
    rows = [["id", "text", "emotion", "split", "language"]]
    for part, emotion, i in itertools.product(
        parts.split(), emotions.split(), range(10)
    ):
        text = sentence(emotion.split("|")[0], i)
        rows.append([f"{part}_{emotion}_{i}", text, emotion, part, lang])
    write_table(folder / filename, rows)


# What the corpora are made of


def cut(emotion, speaker, take):
    """A piece of a clip, [samples], another one for each `take`."""
    waveform = load(VOICE_OF[emotion], 1001 + speaker % 2)
    start = START + (STEP * take) % (len(waveform) - START - LENGTH)
    return waveform[start : start + LENGTH]


@functools.lru_cache
def load(code, actor):
    """A clip of CREMA-D, [samples]."""
    path = SAMPLES / f"{actor}_DFA_{code}_XX.flac"
    return soundfile.read(path, dtype="int16")[0]


def sentence(emotion, take):
    """What might be said in an emotion, another one for each `take`."""
    return f"{SENTENCES[VOICE_OF[emotion]]}, number {take}."


def write_clip(path, emotion, speaker, take):
    """Writes a piece of a clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, cut(emotion, speaker, take), RATE)


def write_table(path, rows):
    """Writes a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def write_video(path, waveform, rate=RATE, layout="mono"):
    """Writes an MP4 file of a grey picture and of sound.

    Arguments
    ---------
    path : pathlib.Path
        The file.
    waveform : numpy.ndarray
        int16, [samples], or interleaved for several channels.
    rate : int
        Sample rate, in Hz.
    layout : str
        Name of the channels' layout, as "stereo".
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=5)
        video.width = video.height = 16
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=rate, layout=layout)
        grey = np.full((16, 16, 3), 128, dtype=np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, format="rgb24")
        sound = av.AudioFrame.from_ndarray(
            waveform[None], format="s16", layout=layout
        )
        sound.sample_rate, sound.time_base = rate, Fraction(1, rate)
        for stream, frame in ((video, picture), (audio, sound)):
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


CORPORA = {
    "RAVDESS": make_ravdess,
    "TESS": make_tess,
    "SAVEE": make_savee,
    "nEMO": make_nemo,
    "CREMA-D": make_cremad,
    "IEMOCAP": make_iemocap,
    "MELD": make_meld,
    "MEACorpus": make_meacorpus,
    "MEACorpus-published": functools.partial(make_meacorpus, published=True),
    "GoEmotions": functools.partial(
        make_texts,
        "goemotions_ekman.csv",
        "anger disgust fear joy neutral sadness surprise joy|surprise",
        "train dev test",
        "en",
    ),
    "DAIR": functools.partial(
        make_texts,
        "dair_emotion.csv",
        "anger fear joy love sadness surprise",
        "train val test",
        "en",
    ),
    "ISEAR": functools.partial(
        make_texts,
        "isear.csv",
        "anger disgust fear guilt joy sadness shame",
        "all",
        "en",
    ),
    "EmoEvent": functools.partial(
        make_texts,
        "emoevent_es.csv",
        "anger disgust fear joy others sadness surprise",
        "train dev test",
        "es",
    ),
}


def main():
    """Writes tiny corpora into one folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", choices=CORPORA, metavar="NAME")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    for name in arguments.names:
        make_corpus(name, arguments.folder)


if __name__ == "__main__":
    main()
