using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data;

/// <summary>The public data sets that are known by name.</summary>
internal static class CatalogueEntries
{
    private const string Raw = "https://raw.githubusercontent.com/";

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
                new("input.txt", Raw + "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
                    1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
            ],
            Reading = new() { Unit = DocumentUnit.File },
            Published =
            [
                "nanoGPT, first 90 % to train on: 1.88 nats a character with 4 layers, 128 wide, context 64, 2,000 steps.",
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
                new("cmn.txt", Raw + "YC-Coder-Chen/English-Chinese-Translator/9663dba4f2f52b4111b706b560023caaa73c72eb/data/cmn.txt",
                    1_315_138, "f81798986021a75cbbcdd7521e627d87031e1b74e5601cfb3604cf1637ac62dd"),
            ],
            Reading = new() { Unit = DocumentUnit.Row, Format = "tsv", ColumnNames = ["english", "chinese"], Column = "english" },
        },
    ];

    private static CatalogueFile Ci(int first, long bytes, string sha256) =>
        new($"ci.song.{first}.json", $"{Raw}chinese-poetry/chinese-poetry/99ebbef/宋词/ci.song.{first}.json", bytes, sha256);
}
