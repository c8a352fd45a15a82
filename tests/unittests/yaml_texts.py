"""Texts in YAML that a model file may hold, or that run code."""

# In a text, a tuple that runs code when it is read.
TUPLE = "!!python/object/apply:os.mkdir [marker]"
ESCAPED = TUPLE.replace("!", "\\x21")

# Each makes something called "marker" if HyperPyYAML loads it.
ATTACKS = {
    "apply": "x: !apply:os.mkdir [marker]",
    "applyref": "x: !applyref:os.mkdir [marker]",
    "new": "x: !new:logging.FileHandler [marker]",
    "new, arguments by name": "x: !new:logging.FileHandler {filename: marker}",
    "module of the file's folder": "x: !name:evil.harmless",
    "longer name of an allowed package": "x: !name:transformers_evil.harmless",
    "module tag": "x: !module:evil",
    "included file": "x: !include:evil.yaml",
    "chain through a module": (
        "x: !new:speechbrain.utils.logger.logging.FileHandler [marker]"
    ),
    "chain through an allowed module": (
        "x: !new:speechbrain.dataio.encoder.sb.utils.logger.logging."
        "FileHandler [marker]"
    ),
    "PyYAML's own tag": "x: !!python/object/apply:os.mkdir [marker]",
    "PyYAML's name": 'x: !!python/name:evil.harmless ""',
    "PyYAML's module": 'x: !!python/module:evil ""',
    "verbatim tag": "x: !<!apply:os.mkdir> [marker]",
    "PyYAML's own tag, verbatim": (
        "x: !<tag:yaml.org,2002:python/object/apply:os.mkdir> [marker]"
    ),
    "TAG directive": "%TAG !e! !apply:os.\n---\nx: !e!mkdir [marker]",
    "TAG directive for !!": "%TAG !! !apply:os.\n---\nx: !!mkdir [marker]",
    "TAG directive for !": (
        "%TAG ! tag:yaml.org,2002:python/object/apply:shutil.\n---\n"
        "x: !copy [evil.py, marker]"
    ),
    "percent": "x: !apply:os%2Emkdir [marker]",
    "percent in the name of the tag": "x: !%61pply:os.mkdir [marker]",
    "percent, twice": "x: !apply:os%252Emkdir [marker]",
    "empty parts of a name": "x: !apply:.os..mkdir [marker]",
    "byte order mark": "\ufeffx: !apply:os.mkdir [marker]",
    "line ends of Windows": "a: 1\r\nx: !apply:os.mkdir [marker]\r\n",
    "nested": "x: {y: [1, {z: !apply:os.mkdir [marker]}]}",
    "in the arguments of a class": (
        "x: !new:torch.nn.Sequential\n  - !new:torch.nn.Identity\n"
        "  - !apply:os.mkdir [marker]"
    ),
    "anchor and alias": "x: &x !apply:os.mkdir [marker]\ny: *x",
    "merge": "x: &x {y: !apply:os.mkdir [marker]}\nz: {<<: *x}",
    "merge of a literal": "x:\n  <<: {y: !apply:os.mkdir [marker]}",
    "hidden key": "__x: !apply:os.mkdir [marker]",
    "tuple": f"x: ({TUPLE})",
    "tuple in quotes": f'x: "({TUPLE})"',
    "tuple as a key": f"? ({TUPLE})\n: 1",
    "tuple by tag": f"x: !tuple ' {TUPLE} '",
    "tuple with a verbatim tag": (
        "x: '(!<tag:yaml.org,2002:python/object/apply:os.mkdir> [marker])'"
    ),
    "tuple by reference": f"x: !ref ({TUPLE})",
    "tuple put together": f"a: '{TUPLE}'\nx: !ref (<a>)",
    "tuple put together in steps": (
        f"a: '{TUPLE}'\nb: '(<a>)'\nx:\n  y: !copy <b>"
    ),
    "tuple put together of a list's text": (
        f"a: [1]\nb: '{TUPLE}'\nx: !ref (<a>, <b>)"
    ),
    "tuple computed": f"a: 1\nx: !ref '\"({ESCAPED})\" * <a>'",
    "tuple computed with an override": (
        f"a: !PLACEHOLDER\nx: !ref '\"({ESCAPED})\" * <a>'"
    ),
}

# What HyperPyYAML does not load, or what does no harm until later.
OTHERS = {
    "YAML directive": "%YAML 1.1\n---\nx: !apply:os.mkdir [marker]",
    "unknown tag": "x: !other 1",
    "unknown tag of YAML": "x: !!other 1",
    "tag with an empty name": "x: !new: 1",
    "half a tag": "x: !new 1",
    "binary": "x: !!binary AAAA",
    "tag on a key": "? !apply:os.mkdir [marker]\n: 1",
    "tag on a key in a set": "x: !!set {? !apply:os.mkdir marker}",
    "tag on the document": "!apply:os.mkdir [marker]",
    "second document": "x: 1\n---\nx: !apply:os.mkdir [marker]",
    "second document after an end": "x: 1\n...\nx: !apply:os.mkdir [marker]",
    "shell": "x: !name:speechbrain.utils.superpowers.run_shell {cmd: ls}",
    "shell that the pretrainer runs": (
        "x: !new:speechbrain.utils.parameter_transfer.Pretrainer\n"
        "  conditions:\n"
        "    y: !name:speechbrain.utils.superpowers.run_shell {cmd: ls}"
    ),
    "chain to a process": (
        "x: !new:speechbrain.utils.superpowers.subprocess.Popen [[ls]]"
    ),
    "chain to a function": "x: !name:torch.nn.modules.module.os.system",
    "chain in torch": "x: !name:torch.nn.functional.importlib.import_module",
    "chain through a class": "x: !name:torch.nn.Linear.__init__.__globals__",
    "chain to a class method": "x: !name:torch.nn.Embedding.from_pretrained",
    "chain to another class": "x: !new:torch.nn.modules.module.OrderedDict",
    "private module": "x: !name:torch.nn.attention._fa3._fa3_import_module",
    "class of a private module": (
        "x: !new:torch.nn.utils._named_member_accessor.NamedMemberAccessor"
    ),
    "private class": "x: !new:transformers._LazyModule [a, b, {}]",
    "function": "x: !name:torch.nn.functional.relu",
    "value": "x: !name:torch.nn.modules.module.torch",
    "module": "x: !name:torch.nn.modules",
    "lazy module": (
        "x: !new:speechbrain.utils.importutils.LazyModule [a, os, null]"
    ),
    "unpickling": "x: !name:speechbrain.dataio.dataio.load_pickle [a]",
    "unpickling of speaker embeddings": (
        "x: !new:speechbrain.lobes.models.MSTacotron2.TextMelCollate [a]"
    ),
    "unpickling by fairseq": (
        "x: !new:speechbrain.lobes.models.fairseq_wav2vec.FairseqWav2Vec2"
    ),
    "unpickling of clusters": (
        "x: !new:speechbrain.lobes.models.kmeans.MiniBatchKMeansSklearn"
    ),
    "model that asks for code from the hub": (
        "x: !new:speechbrain.integrations.huggingface.mert.MERT [a, b]"
    ),
    "another interface": (
        "x: !name:speechbrain.inference.interfaces.foreign_class {source: a}"
    ),
    "transformers, not a config": "x: !new:transformers.BertModel",
    "transformers by name": "x: !name:transformers.pipeline {model: a}",
    "transformers, loading": "x: !name:transformers.AutoModel.from_pretrained",
    "longer name of a package": "x: !new:torch.nnx.Linear",
    "longer name of speechbrain": "x: !new:speechbrain_evil.Linear",
    "shorter name of a package": "x: !new:torch.Linear",
    "package in another": "x: !new:evil.torch.nn.Linear",
    "allowed package, no class": "x: !new:torch.nn",
    "class that does not exist": "x: !new:torch.nn.Nothing",
    "letters that look alike": "x: !new:torch.nn.L\u0456near",
    "wide letters": "x: !new:\uff54\uff4f\uff52\uff43\uff48.nn.Linear",
    "encoded letters": "x: !new:torch.nn.%D0%9Cinear",
    "encoded class": "x: !new:torch%252Enn.Linear",
    "space in a name": "x: !new:torch.nn%20.Linear",
    "line end in a name": "x: !new:torch.nn.Linear%0A",
    "remote code": "x: !new:transformers.BertConfig {trust_remote_code: true}",
    "remote code, deep": "x: [{y: {'trust_remote_code': 1}}]",
    "remote code, merged": "x: &x {trust_remote_code: 1}\ny: {<<: *x}",
    "remote code, key by alias": "x: &x trust_remote_code\n*x : true",
    "remote code, escaped": 'x: {"trust\\x5fremote_code": true}',
    "attribute": "a: !new:torch.nn.Identity\nx: !ref <a.__class__>",
    "attribute by a text": (
        "a: !new:torch.nn.Identity\nb: <a.__class__>\nx: !ref <b>"
    ),
    "attribute put together": (
        "a: !new:torch.nn.Identity\nb: <a\nc: .__class__>\nx: !ref <b><c>"
    ),
    "attribute, nested": "a: {b: 1}\nx: !ref <a[b].real>",
}

CLASSES = [
    "!new:torch.nn.Linear",
    "!name:torch.nn.ReLU",
    "!new:torch.nn.LogSoftmax",
    "!new:transformers.BertConfig",
    "!new:speechbrain.dataio.encoder.CategoricalEncoder",
    "!new:speechbrain.lobes.features.Fbank",
    "!new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN",
    "!new:speechbrain.nnet.containers.Sequential",
    "!new:speechbrain.processing.features.InputNormalization",
    "!new:speechbrain.utils.parameter_transfer.Pretrainer",
    "!new:speechbrain_emotion.nnet.pooling.MeanPooling",
    "!<!new:torch.nn.Linear>",
]

VALUES = [
    "",
    "x: [1, 1.5, true, null, text, 2020-01-01, 'quoted!', (Hello!) you]",
    "x: (3, 4)",
    "x: !tuple (a, b)",
    "x: {y: &y [a, b], z: *y}\nw: {<<: {a: 1}}",
    "x: &x [*x]",
    "x: !!set {a, b}\ny: !!omap [a: 1]\nz: !!str 1",
    "x: !PLACEHOLDER",
    "a: {b: 1}\nx: !ref <a[b]>\ny: !copy <a>",
    "a: 3\nx: !ref <a> // 2 + 1\ny: !ref <a>/model.ckpt\nz: !ref (<a>, 2)",
    "a: 1\nx: !ref <a>\ny: Don't shout!\nz: 1 < 2",
    "x: a text with <mark.up> and 'quotes'!",
]
