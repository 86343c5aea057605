using System.Globalization;

namespace Atelier.Tokenizers;

/// <summary>The ids of a tokenizer's special tokens by purpose; null for those that it does not have.</summary>
/// <param name="Pad">The token that fills shorter texts of a batch: <c>[PAD]</c> or <c>&lt;pad&gt;</c>.</param>
/// <param name="Unknown">The token of text that the vocabulary cannot express: <c>[UNK]</c> or
/// <c>&lt;unk&gt;</c>.</param>
/// <param name="Begin">The token before a text: <c>[CLS]</c> or <c>&lt;s&gt;</c>.</param>
/// <param name="End">The token after a text: <c>[SEP]</c> or <c>&lt;/s&gt;</c>, otherwise the end-of-text
/// token.</param>
/// <param name="Mask">The token that stands for hidden text: <c>[MASK]</c> or <c>&lt;mask&gt;</c>.</param>
/// <param name="Sentinels">The tokens that stand for spans of hidden text, <c>&lt;extra_id_0&gt;</c> first
/// (Raffel et al. 2020); empty for none.</param>
public sealed record SpecialTokens(
    int? Pad, int? Unknown, int? Begin, int? End, int? Mask, IReadOnlyList<int> Sentinels)
{
    private const string Sentinel = "<extra_id_";

    /// <summary>Returns the name of sentinel <paramref name="number"/>.</summary>
    internal static string SentinelName(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Sentinel}{number}>");

    /// <summary>
    /// Finds the tokens: those that the post-processor inserts first, then those with the usual names.
    /// </summary>
    internal static SpecialTokens Of(Tokenizer tokenizer)
    {
        Dictionary<string, int> ids = tokenizer.SpecialIds.ToDictionary(token => token.Name, token => token.Id);
        IReadOnlyList<FramePart> frame = tokenizer.Frame.Single;
        return new SpecialTokens(
            Usual("[PAD]", "<pad>"), Usual("[UNK]", "<unk>"), frame[0].Token ?? Usual("[CLS]", "<s>"),
            frame[^1].Token ?? Usual("[SEP]", "</s>") ?? tokenizer.EndOfTextId, Usual("[MASK]", "<mask>"),
            [.. ids.Select(token => (Number: Number(token.Key), token.Value)).Where(token => token.Number >= 0)
                .OrderBy(token => token.Number).Select(token => token.Value)]);

        int? Usual(params string[] names) => names.Where(ids.ContainsKey).Select(name => (int?)ids[name])
            .FirstOrDefault();
    }

    private static int Number(string name) =>
        name.StartsWith(Sentinel, StringComparison.Ordinal) && name.EndsWith('>') && int.TryParse(
            name.AsSpan(Sentinel.Length, name.Length - Sentinel.Length - 1), NumberStyles.None,
            CultureInfo.InvariantCulture, out int number) ? number : -1;
}
