using System.Text;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads SentencePiece's .model files (Kudo and Richardson 2018): unigram and BPE, with their normalization. They
/// become the tokenizer.json with the same meaning. The numbers of the fields are those of sentencepiece_model.proto.
/// </summary>
internal static class SentencePieceFile
{
    /// <summary>The extension of the files.</summary>
    public const string Extension = ".model";

    private const string Damaged = "download the file again";
    private const string Space = "▁";

    /// <summary>Reads a file.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, or has an unsupported setting.</exception>
    public static Tokenizer Read(string path)
    {
        Model model;
        try
        {
            model = Parse(InputFile.ReadAllBytes(path));
        }
        catch (FormatException e)
        {
            throw new AtelierException($"not a model of SentencePiece: {e.Message}", path, Damaged, e);
        }
        return AtelierException.At(path, () => Make(model, path));
    }

    private static Tokenizer Make(Model model, string path)
    {
        string[] names = [.. model.Pieces.Select(piece => piece.Name)];
        if (model.Pieces.Find(piece => piece.Name.Length == 0 || !float.IsFinite(piece.Score)
            || !Enum.IsDefined(piece.Kind)) is { } bad)
            throw new AtelierException($"the piece '{bad.Name}' has the score {bad.Score} and the kind {(int)bad.Kind}",
                path, Damaged);
        int unknown = model.Pieces.FindIndex(piece => piece.Kind == TokenKind.Unknown);
        if (unknown < 0)
            throw new AtelierException("no piece stands for unknown text", path, Damaged);
        foreach ((bool isSet, string setting) in model.Refused)
        {
            if (isSet)
                throw new AtelierException($"{setting}, which is not supported", path,
                    "supported are unigram and BPE with spaces before words");
        }
        bool fallsBack = model.Pieces.Any(piece => piece.Kind == TokenKind.Byte);
        return model.IsBpe ? MergePairs(model, names, unknown, fallsBack, path)
            : Unigram(model, names, unknown, fallsBack, path);
    }

    private static Tokenizer Unigram(Model model, string[] names, int unknown, bool fallsBack, string path)
    {
        float best = model.Pieces.Where(piece => piece.Kind == TokenKind.Normal).Select(piece => piece.Score)
            .DefaultIfEmpty(0).Max();
        // Words end before "▁", unless a piece has one inside.
        bool splits = !model.Pieces.Exists(piece => piece.Name.LastIndexOf(Space[0]) > 0);
        JsonObject root = Root(model, names, path);
        root["pre_tokenizer"] = splits ? new JsonObject
        {
            ["type"] = "Metaspace", ["replacement"] = Space, ["prepend_scheme"] = "never", ["split"] = true,
        } : null;
        root["model"] = new JsonObject
        {
            ["type"] = "Unigram", ["unk_id"] = unknown, ["byte_fallback"] = fallsBack,
            ["vocab"] = new JsonArray([.. model.Pieces.Select(piece => new JsonArray(piece.Name, ScoreOf(piece)))]),
        };
        return MadePipelines.Read(path, root);

        // SentencePiece prefers what the user defined to all other pieces of the same text.
        double ScoreOf(Piece piece) => piece.Kind == TokenKind.UserDefined
            ? (Encoding.UTF8.GetByteCount(piece.Name) * best) - 0.1
            : piece.Score;
    }

    private static Tokenizer MergePairs(Model model, string[] names, int unknown, bool fallsBack, string path)
    {
        AddedToken[] added = [.. model.Pieces.Index().Where(piece => piece.Item.Kind == TokenKind.UserDefined)
            .Select(piece => new AddedToken(piece.Item.Name, piece.Index, IsNormalized: false))];
        // SentencePiece inserts one space before the text, and its tokenizer.json one before each part.
        if (added.Length > 0 && model.InsertsSpace)
            throw new AtelierException($"the piece '{added[0].Text}' is defined by the user and a space is inserted "
                + "before texts, which is not supported for BPE", path, "use the model's tokenizer.json");
        float[] scores = [.. model.Pieces.Select(piece => piece.Score)];
        string[] specials = Specials(model);
        List<(string Left, string Right)> merges = SentencePieceTokenizer.MergesByScore(names, scores,
            [.. specials, .. added.Select(token => token.Text)]);
        if (fallsBack && model.Map.Length == 0 && !model.RemovesSpaces)
        {
            return new SentencePieceTokenizer(names, merges, new SentencePieceRules
            {
                Prefix = model.InsertsSpace ? SpacePrefix.Always : SpacePrefix.None, Specials = specials, Added = added,
            });
        }
        JsonObject root = Root(model, names, path, added);
        root["model"] = new JsonObject
        {
            ["type"] = "BPE", ["vocab"] = MadePipelines.Vocabulary(names), ["unk_token"] = names[unknown],
            ["fuse_unk"] = true, ["byte_fallback"] = fallsBack,
            ["merges"] = new JsonArray([.. merges.Select(pair => new JsonArray(pair.Left, pair.Right))]),
        };
        return MadePipelines.Read(path, root);
    }

    /// <summary>Returns the parts of the tokenizer.json that both kinds share.</summary>
    private static JsonObject Root(Model model, string[] names, string path, params AddedToken[] added)
    {
        JsonArray normalizers = [], decoders = new(MadePipelines.Replace(Space, " "),
            new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (model.Map.Length > 0)
            normalizers.Add((JsonNode)new JsonObject
            {
                ["type"] = "Precompiled", ["precompiled_charsmap"] = Convert.ToBase64String(model.Map),
            });
        if (model.RemovesSpaces)
        {
            normalizers.Add((JsonNode)MadePipelines.Replace(@"\A +|[ ▁]+\z", "", isRegex: true));
            normalizers.Add((JsonNode)MadePipelines.Replace(" {2,}", " ", isRegex: true));
        }
        if (model.InsertsSpace)
        {
            normalizers.Add((JsonNode)new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
            decoders.Add((JsonNode)new JsonObject
            {
                ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0,
            });
        }
        normalizers.Add((JsonNode)MadePipelines.Replace(" ", Space));
        return new JsonObject
        {
            ["added_tokens"] = MadePipelines.Added(path, names, Specials(model), added),
            ["normalizer"] = new JsonObject { ["type"] = "Sequence", ["normalizers"] = normalizers },
            ["decoder"] = new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
        };
    }

    private static string[] Specials(Model model) => [.. model.Pieces
        .Where(piece => piece.Kind is TokenKind.Control or TokenKind.Unknown or TokenKind.Unused)
        .Select(piece => piece.Name)];

    private static Model Parse(ReadOnlySpan<byte> bytes)
    {
        var model = new Model();
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            switch (reader.Field)
            {
                case 1:
                    model.Pieces.Add(ParsePiece(reader.Bytes));
                    break;
                case 2:
                    ParseTraining(reader.Bytes, model);
                    break;
                case 3:
                    ParseNormalizer(reader.Bytes, model);
                    break;
                case 5:
                    for (var inner = new ProtobufReader(reader.Bytes); inner.Next();)
                        model.ChangesOutput |= inner.Field == 2 && inner.Bytes.Length > 0;
                    break;
            }
        }
        return model;
    }

    private static Piece ParsePiece(ReadOnlySpan<byte> bytes)
    {
        (string name, float score, TokenKind kind) = ("", 0, TokenKind.Normal);
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            switch (reader.Field)
            {
                case 1:
                    name = Encoding.UTF8.GetString(reader.Bytes);
                    break;
                case 2:
                    score = reader.Single;
                    break;
                case 3:
                    kind = (TokenKind)Math.Min(reader.Number, int.MaxValue);
                    break;
            }
        }
        return new Piece(name, score, kind);
    }

    private static void ParseTraining(ReadOnlySpan<byte> bytes, Model model)
    {
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            switch (reader.Field)
            {
                case 3:
                    model.Kind = reader.Number;
                    break;
                case 24:
                    model.EndsWithSpace = reader.Number != 0;
                    break;
            }
        }
    }

    private static void ParseNormalizer(ReadOnlySpan<byte> bytes, Model model)
    {
        for (var reader = new ProtobufReader(bytes); reader.Next();)
        {
            switch (reader.Field)
            {
                case 2:
                    model.Map = reader.Bytes.ToArray();
                    break;
                case 3:
                    model.InsertsSpace = reader.Number != 0;
                    break;
                case 4:
                    model.RemovesSpaces = reader.Number != 0;
                    break;
                case 5:
                    model.KeepsSpaces = reader.Number == 0;
                    break;
            }
        }
    }

    private sealed record Piece(string Name, float Score, TokenKind Kind);

    /// <summary>The parts of a file, with the defaults of missing ones.</summary>
    private sealed class Model
    {
        public List<Piece> Pieces { get; } = [];

        public ulong Kind { get; set; } = 1;

        public bool IsBpe => Kind == 2;

        public byte[] Map { get; set; } = [];

        public bool InsertsSpace { get; set; } = true;

        public bool RemovesSpaces { get; set; } = true;

        public bool KeepsSpaces { get; set; }

        public bool EndsWithSpace { get; set; }

        public bool ChangesOutput { get; set; }

        public IEnumerable<(bool IsSet, string Setting)> Refused =>
        [
            (Kind is not (1 or 2), $"its model_type is {Kind}"), (KeepsSpaces, "escape_whitespaces is false"),
            (EndsWithSpace, "treat_whitespace_as_suffix is true"), (ChangesOutput, "it has a denormalizer"),
        ];
    }
}
