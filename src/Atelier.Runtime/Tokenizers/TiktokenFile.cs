using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads OpenAI's tiktoken files: the bytes of a token in base 64 and its rank in each line. Such a file says neither
/// how words are split nor which tokens are special; its name does.
/// </summary>
internal static class TiktokenFile
{
    /// <summary>The extension of the files.</summary>
    public const string Extension = ".tiktoken";

    private const int LongestToken = 4096; // bytes
    private const string Damaged = "download the file again";

    private static readonly Encoding[] Encodings =
    [
        new("r50k_base", "gpt-2", ("<|endoftext|>", 50256)),
        new("p50k_base", "gpt-2", ("<|endoftext|>", 50256)),
        new("cl100k_base", "llama-bpe", ("<|endoftext|>", 100257), ("<|fim_prefix|>", 100258),
            ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276)),
        new("o200k_base", "gpt-4o", ("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)),
    ];

    /// <summary>Reads a file.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, or its name is not known.</exception>
    public static Tokenizer Read(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        Encoding encoding = Encodings.FirstOrDefault(one => one.Name == name)
            ?? throw new AtelierException("the name of a tiktoken file says how its words are split, and this name is "
                + "not known", path, $"known are {string.Join(", ", Encodings.Select(one => one.Name + Extension))}");
        return Read(path, encoding.Rules, encoding.Specials);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="preTokenizer">The rules that split words, by a name of <see cref="GgufPreTokenizer"/>.</param>
    /// <param name="named">The special tokens by id.</param>
    /// <exception cref="AtelierException">The file is missing or damaged.</exception>
    internal static Tokenizer Read(string path, string preTokenizer, params (string Name, int Id)[] named)
    {
        Dictionary<string, int> ids = ReadRanks(path);
        foreach ((string special, int id) in named)
        {
            if (!ids.TryAdd(special, id))
                throw new AtelierException($"the special token '{special}' is an ordinary one", path, Damaged);
        }
        HashSet<int> used = [.. ids.Values];
        if (used.Count < ids.Count)
            throw new AtelierException("two tokens have the same rank", path, Damaged);
        // Ids that are not used lie between the special tokens alone.
        List<string> specials = [.. named.Select(one => one.Name)];
        for (int id = named[0].Id - 1; id < named[^1].Id; id++)
        {
            if (!used.Contains(id))
            {
                specials.Add(FormattableString.Invariant($"<|unused_{id}|>"));
                ids[specials[^1]] = id;
            }
        }
        string[] names = [.. TokenizerFile.NamesById(ids.Select(one => (one.Key, one.Value)), path)];
        GgufPreTokenizer rules = GgufPreTokenizer.Find(preTokenizer)! with { TakesWholeWords = true };
        List<(string, string)> merges = Merges(names, specials, path);
        return rules.Split is { } words
            ? new BpeTokenizer(names, merges, new BpeRules
            {
                Split = words, TakesWholeWords = true, Specials = specials, EndOfText = TokenTable.EndOfText,
            })
            : MadePipelines.MergePairs(path, names, specials, [], merges, rules);
    }

    /// <summary>Returns the ranks of the tokens, whose names are in GPT-2's alphabet.</summary>
    private static Dictionary<string, int> ReadRanks(string path)
    {
        var ranks = new Dictionary<string, int>();
        int line = 0;
        ReadOnlySpan<byte> rest = InputFile.ReadAllBytes(path);
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n'), space = rest.IndexOf((byte)' ');
            ReadOnlySpan<byte> row = (end < 0 ? rest : rest[..end]).TrimEnd((byte)'\r');
            rest = end < 0 ? [] : rest[(end + 1)..];
            line++;
            if (row.IsEmpty)
                continue;
            var bytes = new byte[row.Length];
            bool isRead = space > 0 && space < row.Length
                && Base64.DecodeFromUtf8(row[..space], bytes, out _, out int length) == OperationStatus.Done
                && length is > 0 and <= LongestToken
                && int.TryParse(row[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int rank)
                && ranks.TryAdd(TokenTable.ByteLevelName(bytes.AsSpan(0, length)), rank);
            if (!isRead)
                throw new AtelierException("is not a new token in base 64 and its rank", $"{path}:{line}", Damaged);
        }
        if (ByteTokenizer.Names.Take(256).FirstOrDefault(name => !ranks.ContainsKey(name)) is { } missing)
            throw new AtelierException($"the byte '{missing}' is not a token", path, Damaged);
        return ranks;
    }

    /// <summary>
    /// Returns for each token the two tokens that the merges of lower ranks leave of it, as tiktoken's files are
    /// converted. A token of which more are left is reached as a whole word alone.
    /// </summary>
    private static List<(string Left, string Right)> Merges(string[] names, List<string> specials, string path)
    {
        var table = new MergeTable();
        var merges = new List<(string, string)>();
        Dictionary<char, int> letters = names.Index().Where(name => name.Item.Length == 1)
            .ToDictionary(name => name.Item[0], name => name.Index);
        HashSet<string> special = [.. specials];
        foreach ((int id, string name) in names.Index())
        {
            if (name.Length < 2 || special.Contains(name))
                continue;
            int[] symbols = [.. name.Select(letter => letters[letter])];
            if (table.Apply(symbols) != 2)
                continue;
            table.Add(symbols[0], symbols[1], id, id);
            merges.Add((names[symbols[0]], names[symbols[1]]));
        }
        return merges.Count > 0 || names.Length <= 257 + specials.Count ? merges
            : throw new AtelierException("no token is made of two others", path, Damaged);
    }

    private sealed record Encoding(string Name, string Rules, params (string Name, int Id)[] Specials);
}
