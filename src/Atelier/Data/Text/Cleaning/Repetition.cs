using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Text.Cleaning;

/// <summary>Removes lines that occurred before, except blank ones. Keeps a hash of 8 bytes per line.</summary>
internal sealed class SeenLines
{
    private readonly HashSet<ulong> _seen = [];

    public string? Apply(DocumentPiece piece)
    {
        ReadOnlySpan<char> text = piece.Text;
        var kept = new StringBuilder(text.Length);
        bool first = true;
        foreach (Range range in text.Split('\n'))
        {
            ReadOnlySpan<char> line = text[range];
            if (!line.IsWhiteSpace() && !_seen.Add(ContentHash.Of(line)))
                continue;
            if (!first)
                kept.Append('\n');
            kept.Append(line);
            first = false;
        }
        if (kept.Length == piece.Text.Length)
            return piece.Text;
        return kept.Length == 0 && piece.Whole ? null : kept.ToString();
    }
}

/// <summary>Drops documents that occurred before. Keeps a hash of 8 bytes per document.</summary>
internal sealed class SeenDocuments
{
    private readonly HashSet<ulong> _seen = [];

    public string? Apply(DocumentPiece piece) =>
        !piece.Whole || _seen.Add(ContentHash.Of(piece.Text)) ? piece.Text : null;
}

/// <summary>Computes the first 64 bits of the SHA-256 of text.</summary>
internal static class ContentHash
{
    public static ulong Of(ReadOnlySpan<char> text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(MemoryMarshal.AsBytes(text), hash);
        return MemoryMarshal.Read<ulong>(hash);
    }
}
