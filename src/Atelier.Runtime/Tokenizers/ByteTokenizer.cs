namespace Atelier.Tokenizers;

/// <summary>A tokenizer whose ids 0 to 255 are the bytes of UTF-8, and whose id 256 is the end-of-text token.</summary>
public sealed class ByteTokenizer : Tokenizer
{
    private const int EndOfText = 256;
    private static readonly byte[] AllBytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    internal static readonly IReadOnlyList<string> Names =
        [.. AllBytes.Select(value => TokenTable.ByteLevelName([value])), TokenTable.EndOfText];

    /// <inheritdoc/>
    public override string Kind => "byte";

    /// <inheritdoc/>
    public override int VocabularySize => 257;

    /// <inheritdoc/>
    public override int? EndOfTextId => EndOfText;

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => [(TokenTable.EndOfText, EndOfText)];

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        foreach (byte value in Wtf8.Encode(text))
            ids.Add(value);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id, EndOfText);
        return id == EndOfText ? [] : AllBytes.AsSpan(id, 1);
    }

    /// <inheritdoc/>
    public override string Name(int id) => Names[id];

    /// <inheritdoc/>
    public override void Save(string path) =>
        TokenizerWriter.Write(path, this, Names, [], TokenizerLayout.ByteLevel);
}
