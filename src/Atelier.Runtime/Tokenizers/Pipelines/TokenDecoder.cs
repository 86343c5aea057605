using System.Text;
using Atelier.Tokenizers.Patterns;

namespace Atelier.Tokenizers.Pipelines;

/// <summary>Makes a text of the names of tokens, by the decoders of a tokenizer.json.</summary>
internal sealed class TokenDecoder
{
    // The spaces that the decoders WordPiece and CTC remove, in their order.
    private static readonly (string From, string To)[] Spaces =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    private readonly Func<List<string>, List<string>>[] _steps;

    /// <summary>Reads the steps.</summary>
    /// <exception cref="AtelierException">A step or one of its keys is not supported.</exception>
    public TokenDecoder(IReadOnlyList<TokenizerStep> steps)
    {
        _steps = [.. steps.Select(Read)];
        IsByteLevel = steps is [{ Type: "ByteLevel" }];
        FallsBack = steps.Any(step => step.Type == "ByteFallback");
    }

    /// <summary>Whether names are bytes in GPT-2's alphabet, so that each token stands for its own bytes.</summary>
    public bool IsByteLevel { get; }

    /// <summary>Whether names such as "&lt;0x0A&gt;" are bytes.</summary>
    public bool FallsBack { get; }

    /// <summary>Returns the text of tokens.</summary>
    public string Decode(IEnumerable<string> names)
    {
        List<string> tokens = [.. names];
        if (tokens.Count == 0)
            return "";
        if (_steps.Length == 0)
            return string.Join(' ', tokens);
        foreach (Func<List<string>, List<string>> step in _steps)
            tokens = step(tokens);
        return string.Concat(tokens);
    }

    private static Func<List<string>, List<string>> Read(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "ByteLevel":
                step.Check([], ["add_prefix_space", "trim_offsets", "use_regex"]);
                return tokens => [Encoding.UTF8.GetString([.. tokens.SelectMany(TokenTable.AnyByteLevelBytes)])];
            case "ByteFallback":
                step.Check([], []);
                return FromBytes;
            case "Fuse":
                step.Check([], []);
                return tokens => [string.Concat(tokens)];
            case "Replace":
                return ReadReplace(step);
            case "Strip":
                step.Check(["content", "start", "stop"], []);
                string content = step.Character("content");
                int start = step.Number("start", 0, 0), stop = step.Number("stop", 0, 0);
                return tokens => [.. tokens.Select(token => Strip(token, content, start, stop))];
            case "Metaspace":
                (string replacement, SpacePrefix prefix, _) = WordCutter.ReadAnyMetaspace(step);
                return tokens => [.. tokens.Select((token, i) => token.Replace(replacement,
                    i == 0 && prefix != SpacePrefix.None ? "" : " ", StringComparison.Ordinal))];
            case "WordPiece":
                step.Check(["prefix", "cleanup"], []);
                string mark = step.Text("prefix", "##");
                bool cleans = step.IsOn("cleanup", true);
                return tokens => [.. tokens.Select((token, i) => Clean(i == 0 ? token
                    : token.StartsWith(mark, StringComparison.Ordinal) ? token[mark.Length..] : " " + token, cleans))];
            case "BPEDecoder":
                step.Check(["suffix"], []);
                string suffix = step.Text("suffix", "</w>");
                return suffix.Length == 0 ? tokens => tokens : tokens => [.. tokens.Select((token, i) =>
                    token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
            case "CTC":
                return ReadCtc(step);
            default:
                throw step.NotRead("decoder");
        }
    }

    private static Func<List<string>, List<string>> ReadReplace(TokenizerStep step)
    {
        step.Check(["pattern", "content"], []);
        (string pattern, bool isRegex) = step.Pattern();
        string content = step.Text("content");
        if (!isRegex)
            return tokens => [.. tokens.Select(token => token.Replace(pattern, content, StringComparison.Ordinal))];
        TextPattern expression = step.Regex(pattern);
        return tokens => [.. tokens.Select(token => expression.Replace(token, content))];
    }

    /// <summary>Reads the decoder of connectionist temporal classification (Graves et al. 2006).</summary>
    private static Func<List<string>, List<string>> ReadCtc(TokenizerStep step)
    {
        step.Check(["pad_token", "word_delimiter_token", "cleanup"], []);
        string pad = step.Text("pad_token", "<pad>"), delimiter = step.Text("word_delimiter_token", "|");
        bool cleans = step.IsOn("cleanup", true);
        if (pad.Length == 0 || delimiter.Length == 0)
            throw step.NotRead("pad_token", $"\"{pad}\" and 'word_delimiter_token' \"{delimiter}\"",
                "tokens that are not empty are");
        return tokens => [.. tokens.Where((token, i) => i == 0 || token != tokens[i - 1])
            .Select(token => token.Replace(pad, "", StringComparison.Ordinal))
            .Select(token => cleans ? Clean(token, true).Replace(delimiter, " ", StringComparison.Ordinal) : token)
            .Where(token => token.Length > 0)];
    }

    /// <summary>Replaces bytes by the text that they are; each byte of others becomes U+FFFD.</summary>
    private static List<string> FromBytes(List<string> tokens)
    {
        List<string> texts = [];
        List<byte> bytes = [];
        foreach (string token in tokens)
        {
            if (TokenTable.FallbackByte(token) is byte value)
            {
                bytes.Add(value);
                continue;
            }
            Add();
            texts.Add(token);
        }
        Add();
        return texts;

        void Add()
        {
            if (bytes.Count == 0)
                return;
            try
            {
                texts.Add(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]));
            }
            catch (DecoderFallbackException)
            {
                texts.AddRange(Enumerable.Repeat(WellFormed.Replacement.ToString(), bytes.Count));
            }
            bytes.Clear();
        }
    }

    private static string Strip(string token, string content, int start, int stop)
    {
        int from = 0, to = token.Length;
        for (int i = 0; i < start && string.CompareOrdinal(token, from, content, 0, content.Length) == 0; i++)
            from += content.Length;
        for (int i = 0; i < stop && to - content.Length >= from
            && string.CompareOrdinal(token, to - content.Length, content, 0, content.Length) == 0; i++)
            to -= content.Length;
        return token[from..to];
    }

    private static string Clean(string token, bool cleans) => !cleans ? token
        : Spaces.Aggregate(token, (text, space) => text.Replace(space.From, space.To, StringComparison.Ordinal));
}
