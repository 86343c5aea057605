using Atelier.Recipes;

namespace Atelier.Data;

/// <summary>The built-in list of public data sets.</summary>
internal static class CatalogueEntries
{
    private const string Raw = "https://raw.githubusercontent.com/", Librosa = "https://librosa.org/data/audio/";

    public static IReadOnlyList<CatalogueEntry> All { get; } =
    [
        new()
        {
            Name = "tinyshakespeare",
            Description = "40,000 lines of Shakespeare's plays in one file, 65 distinct characters",
            Source = "github.com/karpathy/char-rnn at 6f9487a",
            Licence = "MIT (the repository); the plays are in the public domain",
            Files =
            [
                new("input.txt",
                    Raw + "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
                    1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
            Published =
            [
                "nanoGPT, first 90 % to train on: 1.88 nats a character with 4 layers, 128 wide, context 64, "
                    + "2,000 steps.",
                "nanoGPT: 1.4697 with 6 layers, 384 wide, context 256.",
            ],
        },
        new()
        {
            Name = "names",
            Description = "32,033 first names, one a line",
            Source = "github.com/karpathy/makemore at 988aa59",
            Licence = "MIT",
            Files =
            [
                new("names.txt", Raw + "karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt",
                    228_145, "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"),
            ],
            Reading = new() { Unit = DocumentUnit.Line },
            Published =
            [
                "makemore, nats a character: bigram 2.454, small MLP 2.10, WaveNet-like 1.99, Transformer about 1.92.",
            ],
        },
        new()
        {
            Name = "poetry-zh",
            Description = "4,000 ci poems of the Song dynasty in simplified Chinese",
            Source = "github.com/chinese-poetry/chinese-poetry at 99ebbef",
            Licence = "MIT",
            Files =
            [
                Ci(0, 406_936, "7761bc5ef50305753ea3dcea9e1ef3164e153e3ee366169e9c5a9a7d85b21b22"),
                Ci(1000, 368_986, "5f79a2d9011e6d414f04e51176c5d4f4c762fd784dce98b035968367b6f2ef4e"),
                Ci(2000, 389_037, "f700d8e14df62d371dfba7ce18bf1641c304540907b26b68d356c4b6b256fe8d"),
                Ci(3000, 417_829, "1791391a8a2ca855e133f7ea48bf0c104b3890d628ae2929f9378960a66c1427"),
            ],
            Reading = new() { Unit = DocumentUnit.Row, Column = "paragraphs" },
        },
        new()
        {
            Name = "translation-en-zh",
            Description = "21,116 sentences in English and Chinese (columns english and chinese)",
            Source = "github.com/YC-Coder-Chen/English-Chinese-Translator at 9663dba, from Tatoeba",
            Licence = "CC BY 2.0 FR",
            Files =
            [
                new("cmn.txt",
                    Raw + "YC-Coder-Chen/English-Chinese-Translator/"
                        + "9663dba4f2f52b4111b706b560023caaa73c72eb/data/cmn.txt",
                    1_315_138, "f81798986021a75cbbcdd7521e627d87031e1b74e5601cfb3604cf1637ac62dd"),
            ],
            Reading = new()
            {
                Unit = DocumentUnit.Row,
                Format = "tsv",
                ColumnNames = ["english", "chinese"],
                Column = "english",
            },
        },
        new()
        {
            Name = "multi30k",
            Description = "31,014 image captions in English and German, and two test sets of 1,000; lower-cased tokens",
            Source = "data/task1/tok of github.com/multi30k/dataset at a3d2e0d (Elliott et al. 2016, 2017)",
            Licence = "none stated in the repository; for research (WMT's multimodal task)",
            Files =
            [
                Captions("train", "de", 2_150_008, "cb5a23529b65ec2061f1dc446192a9c37382b63cc75f81a0be59d34894b3a505"),
                Captions("train", "en", 1_837_696, "08925f8e0572bcd5a006702fc5fe20e2d77c6917d4eebd576fc20de6693c2119"),
                Captions("val", "de", 77_273, "97232bd273eceb7207f689527386a97e4be2616b18ada47576bdaf96c8ae1f00"),
                Captions("val", "en", 64_608, "46573ce391ae227f1c72f873392436a20ef18e0a6d518098cfbd70b77c8572ec"),
                Captions("test_2016_flickr", "de", 71_917,
                    "c6a33d39d48f9f510de147651316cd9d918e09ad0219df734a2f16b6baccacc4"),
                Captions("test_2016_flickr", "en", 63_307,
                    "5b7f32627cf99eced828311b955dae9800bb52bc8b91cf8b6526829e605b29d2"),
                Captions("test_2017_flickr", "de", 65_228,
                    "02067e4a9402786a4fcb8c1b6f4307e4a5073ced64800abead5273b54f5f31f6"),
                Captions("test_2017_flickr", "en", 56_123,
                    "c9d1dfd7a26add989382e534af235af9f0f658b2a30e7eb0efdaf142496ee54f"),
            ],
            Reading = new() { Unit = DocumentUnit.Line },
            Published =
            [
                "Test 2016, BLEU of lower-cased tokens: en→de 41.02 by fairseq's transformer_tiny (Wu et al. 2021), "
                    + "de→en 28.30 by a GRU with attention and 36.52 by a Transformer (pytorch-seq2seq).",
                "Test 2017: en→de 33.36 by fairseq's transformer_tiny (Wu et al. 2021).",
            ],
        },
        new()
        {
            Name = "ud-ewt",
            Description = "UD English EWT: 12,544 / 2,001 / 2,077 sentences of the web with their tags, CoNLL-U",
            Source = "github.com/UniversalDependencies/UD_English-EWT, its three .conllu files packed by gzip",
            Licence = "CC BY-SA 4.0",
            Files =
            [
                Ewt("train", 2_605_912, "bd47e08c9e18ec12d319e84df2ccdb272ff6de1d0dba5761117d3caf8b358f7b"),
                Ewt("dev", 333_837, "41086e3afc9ae572f899c9123f874d6d04a52e374a3d2ac7a6667ce48e3bf3e3"),
                Ewt("test", 330_912, "29c151eee8846d3f3ef7806c126ecac9932af2317c008c6d6b076c5e14950dbe"),
            ],
            Reading = new() { Unit = DocumentUnit.Paragraph },
            Published =
            [
                "Universal tags of the test set: each word's most frequent tag 86.93 %, a plain bigram HMM 90.47 %.",
            ],
        },
        new()
        {
            Name = "mnist",
            Description = "70,000 handwritten digits of 28 × 28 pixels in grey, 10,000 of them held out; idx files",
            Source = "LeCun, Cortes and Burges 1998, by the mirror that torchvision reads",
            Licence = "CC BY-SA 3.0",
            Files =
            [
                Mnist("train-images-idx3-ubyte", 9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    new(47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")),
                Mnist("train-labels-idx1-ubyte", 28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    new(60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")),
                Mnist("t10k-images-idx3-ubyte", 1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    new(7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")),
                Mnist("t10k-labels-idx1-ubyte", 4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    new(10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")),
            ],
            Reading = new() { Unit = DocumentUnit.File },
            Published =
            [
                "gan-metrics-pytorch, Fréchet distance on the 84 features of its LeNet against the 10,000 test "
                    + "images: 10,000 training images 0.099, an MLP-GAN 10.66, a VAE 4.07, noise 99.9.",
            ],
        },
        new()
        {
            Name = "fsdd",
            Description = "3,000 spoken English digits by 6 speakers, 8 kHz; 300 of them held out",
            Source = "github.com/Jakobovski/free-spoken-digit-dataset at 26eb9aa, its recordings packed as tar.gz",
            Licence = "CC BY-SA 4.0",
            Files =
            [
                new("fsdd.tar.gz", Url: null, 15_560_242,
                    "30577f0c26ba2e09acab4896125cab393a0f93019140fd9c2c6fc0a1a866c887"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
            Audio = new() { Labels = "{class}_{speaker}_{index}", TestWhere = "index < 5" },
        },
        new()
        {
            Name = "recordings",
            Description = "six recordings: two of English speech, a trumpet, a waltz, jazz, drums and bass; 22 kHz",
            Source = "the example recordings of librosa, github.com/librosa/data at 450cdd8",
            Licence = "CC BY 3.0, CC BY 4.0, CC BY-NC 4.0 and CC0, by recording",
            Files =
            [
                Recording("147793__setuniman__sweet-waltz-0i-22mi", 228_926,
                    "4baff8ebf1771c33618b58aa12ac3fbac1e0462894ae74247f2fb8e649d1c63b"),
                Recording("3436-172162-0000", 84_298,
                    "780e482b52f2c8a500356babf60178ce005449cc171a8537eb3ef2961eb3e855"),
                Recording("5703-47212-0000", 82_670,
                    "a284612b46af0535f7e1873758c4387bb8369f6dbbe192ffdec1f171108f98dd"),
                Recording("Kevin_MacLeod_-_Vibe_Ace", 380_332,
                    "6c23aed3dd5aa57f2b1652ecab68d15d9b82ad257f54e639eb2880ca09bc118a"),
                Recording("admiralbob77_-_Choice_-_Drum-bass", 137_526,
                    "ac644f9645e7c15174e4a4f8561e4d1448d7f6e59ff6b0556b310ebbced879bc"),
                Recording("sorohanro_-_solo-trumpet-06", 27_019,
                    "8374466fd3951d24509da6e799b132a0db0bdeda69d99c69d989a6888d3d727d"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
            Audio = new() { Labels = "{name}" },
        },
        new()
        {
            Name = "nasa-clip",
            Folder = "video",
            Description = "a clip of 13 seconds with two video streams, 320 × 180 and 480 × 270",
            Source = "a test file of github.com/pytorch/torchcodec at c66da14; the film is by NASA",
            Licence = "BSD 3-Clause",
            Files =
            [
                new("nasa_13013.mp4", Raw + "pytorch/torchcodec/main/test/resources/nasa_13013.mp4", 672_981,
                    "53705221cac65086253367787e964e5d7d37beeba007646106a2c780d087c9e1"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
        },
        Rows("learning-test", "learning.test.csv", "5,000 rows of 6 variables, drawn from a network of 5 edges",
            "learning.test", 60_012, "ef5374f340f3aaa1ade720d5f09884b21eecc4cea81b4a0209ed941b68343b6c",
            "-23832.132", "-24006.734", 41),
        Rows("asia", "asia.csv", "5,000 rows of the Asia network: 8 questions to a patient short of breath, 8 edges",
            "asia", 128_785, "95339f7cb30ecae229d22f5b901fa8edc0999834a6670ccdf8bc036142530135",
            "-11033.087", "-11109.742", 18),
        Rows("alarm", "alarm.csv.gz", "20,000 rows of the ALARM network: 37 readings of a patient monitor, 46 edges",
            "alarm", 166_382, "185a54a735ae611a80c3520584c6be9c09e94c45aa84fb7455c802427fd620c0",
            "-216249.401", "-218769.838", 509),
        new()
        {
            Name = "networks",
            Description = "five published Bayesian networks as BIF: asia, cancer, earthquake, sachs, alarm",
            Source = "github.com/pgmpy/pgmpy at 94105f1",
            Licence = "MIT",
            Files =
            [
                Bif("alarm", 1832, "f5860caa7137b5817e0c4f169cce0f1451ce6c246b96f5ce4fb4a8167993be29"),
                Bif("asia", 310, "7d5e7b8549834824c1b05f367eb7860fa3fca3adaf3649f0c7be6035af197197"),
                Bif("cancer", 288, "dcfafbaadabcd1b8c9ec531e16721a19fc06829e980a3967d6345496ea081818"),
                Bif("earthquake", 271, "77a41f1d509cea15eb7caf9dba932907837149e7145a2cc9d6c95c80849e62b0"),
                Bif("sachs", 1916, "ed1830fbde101ed50cce3c7a3c8cbf1d2f5225531cf35ff09fb3cec0af101bce"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
        },
        new()
        {
            Name = "lenet-mnist",
            Folder = "weights/lenet-mnist",
            Description = "weights of a LeNet that knows MNIST's digits, to judge drawn ones by (evaluation.features)",
            Source = "github.com/abdulfatir/gan-metrics-pytorch at c56c62b",
            Licence = "Apache 2.0",
            Files =
            [
                new("lenet.pth",
                    Raw + "abdulfatir/gan-metrics-pytorch/c56c62bffd747943898ceb6f52a09c62407244c3/models/lenet.pth",
                    248_652, "e4bed3817dd7723c605580e7b7393538a5dfc3508aacc4890b07e7f07c16bebf"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
        },
    ];

    private static CatalogueEntry Rows(string name, string file, string description, string frame, long bytes,
        string sha256, string logLikelihood, string bic, int parameters) => new()
    {
        Name = name,
        Folder = "networks",
        Description = description,
        Source = $"data/{frame}.rda of github.com/cran/bnlearn at 7d44622, by R's write.csv({frame}, quote = FALSE, "
            + $"row.names = FALSE)",
        Licence = "GPL 2 or later",
        Files = [new(file, Url: null, bytes, sha256)],
        Reading = new() { Unit = DocumentUnit.Row },
        Published =
        [
            $"bnlearn, nats of all rows at the true graph by maximum likelihood: log-likelihood {logLikelihood}, BIC "
                + $"{bic}, {parameters} free parameters.",
        ],
    };

    private static CatalogueFile Recording(string name, long bytes, string hash) =>
        new(name + ".ogg", Librosa + name + ".ogg", bytes, hash);

    private static CatalogueFile Bif(string name, long bytes, string sha256) =>
        new($"{name}.bif.gz",
            $"{Raw}pgmpy/pgmpy/94105f10d4177e4420e2fa6766d819c19aa6b66e/pgmpy/utils/example_models/{name}.bif.gz",
            bytes, sha256);

    private static CatalogueFile Mnist(string name, long bytes, string sha256, FileContent content) =>
        new($"{name}.gz", $"https://ossci-datasets.s3.amazonaws.com/mnist/{name}.gz", bytes, sha256, content);

    // Published as plain text; the same text packed by gzip is accepted too.
    private static CatalogueFile Captions(string part, string language, long bytes, string sha256) =>
        new($"{part}.lc.norm.tok.{language}.gz",
            $"{Raw}multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/tok/"
                + $"{part}.lc.norm.tok.{language}",
            bytes, sha256, new(bytes, sha256));

    private static CatalogueFile Ewt(string part, long bytes, string sha256) =>
        new($"en_ewt-ud-{part}.conllu.gz", Url: null, bytes, sha256);

    private static CatalogueFile Ci(int first, long bytes, string sha256) =>
        new($"ci.song.{first}.json", $"{Raw}chinese-poetry/chinese-poetry/99ebbef/宋词/ci.song.{first}.json", bytes,
            sha256);
}
