using System.Buffers;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>A piece of a text.</summary>
/// <param name="Id">The id of the piece; -1 for a character that no piece covers.</param>
/// <param name="Start">The beginning in UTF-16 units.</param>
/// <param name="End">The end in UTF-16 units.</param>
internal readonly record struct LatticePiece(int Id, int Start, int End);

/// <summary>
/// All segmentations of a text into pieces, whose probability is the product of those of the pieces (Kudo 2018, eq. 1).
/// </summary>
/// <param name="trie">The pieces.</param>
/// <param name="scores">The log-probabilities of the pieces by id; negative infinity excludes a piece.</param>
/// <param name="unknown">The score of a character that is not a piece.</param>
internal sealed class UnigramLattice(PieceTrie trie, double[] scores, double unknown)
{
    /// <summary>
    /// Returns the most probable segmentation (Viterbi 1967). Of equally probable ones, the last piece begins first.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="without">The id of a piece that is excluded, or -1.</param>
    public List<LatticePiece> Best(ReadOnlySpan<char> text, int without = -1)
    {
        var best = new double[text.Length + 1];
        var last = new LatticePiece[text.Length + 1];
        Array.Fill(best, double.NegativeInfinity, 1, text.Length);
        for (int start = 0, used; start < text.Length; start += used)
        {
            _ = Rune.DecodeFromUtf16(text[start..], out _, out used);
            bool hasCharacter = false;
            int node = 0;
            for (int end = start + 1; end <= text.Length && trie.Follow(ref node, text[end - 1]); end++)
            {
                if (trie.IdAt(node) is >= 0 and int id && id != without)
                {
                    Offer(id, end, scores[id]);
                    hasCharacter |= end == start + used;
                }
            }
            if (!hasCharacter)
                Offer(-1, start + used, unknown);

            void Offer(int id, int end, double score)
            {
                if (best[start] + score > best[end])
                    (best[end], last[end]) = (best[start] + score, new LatticePiece(id, start, end));
            }
        }
        List<LatticePiece> pieces = [];
        for (int end = text.Length; end > 0; end = last[end].Start)
            pieces.Add(last[end]);
        pieces.Reverse();
        return pieces;
    }

    /// <summary>
    /// Adds the expected number of occurrences of each piece in all segmentations of a text (Kudo 2018, section 3.2),
    /// by the forward-backward algorithm (Rabiner 1989).
    /// </summary>
    /// <param name="text">A text that the pieces cover.</param>
    /// <param name="weight">The number of occurrences of the text.</param>
    /// <param name="expected">The expectations by id.</param>
    /// <returns>The log-probability of the text.</returns>
    public double Expect(ReadOnlySpan<char> text, double weight, double[] expected)
    {
        int places = text.Length + 1;
        double[] sums = ArrayPool<double>.Shared.Rent(2 * places);
        Span<double> before = sums.AsSpan(0, places), after = sums.AsSpan(places, places);
        before.Fill(double.NegativeInfinity);
        after.Fill(double.NegativeInfinity);
        (before[0], after[^1]) = (0, 0);
        List<LatticePiece> pieces = [];
        for (int start = 0; start < text.Length; start++)
        {
            if (double.IsNegativeInfinity(before[start]))
                continue;
            int node = 0;
            for (int end = start + 1; end <= text.Length && trie.Follow(ref node, text[end - 1]); end++)
            {
                if (trie.IdAt(node) is not (>= 0 and int id) || double.IsNegativeInfinity(scores[id]))
                    continue;
                pieces.Add(new LatticePiece(id, start, end));
                before[end] = LogAdd(before[end], before[start] + scores[id]);
            }
        }
        double total = before[^1];
        for (int i = pieces.Count - 1; i >= 0; i--)
        {
            (int id, int start, int end) = pieces[i];
            if (double.IsNegativeInfinity(after[end]))
                continue;
            after[start] = LogAdd(after[start], scores[id] + after[end]);
            expected[id] += weight * Math.Exp(before[start] + scores[id] + after[end] - total);
        }
        ArrayPool<double>.Shared.Return(sums);
        return total;
    }

    private static double LogAdd(double a, double b)
    {
        (double more, double less) = a > b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(less) ? more : more + Math.Log(1 + Math.Exp(less - more));
    }
}
