using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Text.Cleaning;

/// <summary>Takes out lines that stood before; keeps 8 bytes of hash a line. Blank lines stay.</summary>
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

/// <summary>Drops documents that stood before; keeps 8 bytes of hash a document.</summary>
internal sealed class SeenDocuments
{
    private readonly HashSet<ulong> _seen = [];

    public string? Apply(DocumentPiece piece) =>
        !piece.Whole || _seen.Add(ContentHash.Of(piece.Text)) ? piece.Text : null;
}

/// <summary>The first 64 bits of the SHA-256 of text.</summary>
internal static class ContentHash
{
    public static ulong Of(ReadOnlySpan<char> text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(MemoryMarshal.AsBytes(text), hash);
        return MemoryMarshal.Read<ulong>(hash);
    }
}
