using System.Globalization;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>The parts of a corpus.</summary>
internal enum Part
{
    /// <summary>The training part.</summary>
    Train,

    /// <summary>The validation part, which is evaluated during training.</summary>
    Validation,

    /// <summary>The test part.</summary>
    Test,

    /// <summary>Documents in no part, if the shares sum to less than 1.</summary>
    None,
}

/// <summary>The way in which documents are distributed over the parts.</summary>
internal enum SplitMethod
{
    /// <summary>Each part gets its share of the number of documents.</summary>
    ByCount,

    /// <summary>
    /// Each part gets whole documents that make up its share of the total size. Used if document sizes differ too much
    /// to split by count.
    /// </summary>
    BySize,

    /// <summary>
    /// The documents are concatenated and cut where a part ends. Used if no choice of whole documents comes close to
    /// the shares.
    /// </summary>
    ByPosition,
}

/// <summary>A document of a part, or the stretch of a document that was cut.</summary>
/// <param name="Document">The index of the document.</param>
/// <param name="From">The start of the stretch, in the unit of the document's size (characters or rows).</param>
/// <param name="To">The end of the stretch, exclusive; the document's size if nothing was cut off.</param>
internal readonly record struct DocumentStretch(int Document, long From, long To);

/// <summary>
/// Splits documents into parts. Documents with the same content go to the same part, or are cut at the same position,
/// so that no test document is also in the training part. Content that is repeated too often for a small part goes to
/// the training part. If sizes are known, the training part gets at least its share of the total size less
/// <see cref="Tolerance"/> (and less one unit for each copy of a document that is cut), and each other part gets at
/// least half of its share.
/// </summary>
internal sealed class DocumentSplit
{
    /// <summary>How far the training part may fall short of its share, as a fraction of the total size.</summary>
    public const double Tolerance = 0.01;

    private const double LeastOfShare = 0.5; // of a held-out part; if it gets less, documents are cut
    private const double FullEnough = 0.9; // filling a part further would take only the shortest documents
    private static readonly Part[] AllParts = [Part.Train, Part.Validation, Part.Test];

    private readonly SplitSection _split;
    private readonly int[] _order;
    private readonly Part[] _parts;
    private readonly long[]? _sizes;
    private readonly List<DocumentStretch>[]? _stretches; // [part]; null unless documents were cut

    /// <summary>Splits by count, for documents of similar size.</summary>
    /// <param name="contents">A hash of each document's content.</param>
    /// <param name="split">The shares of the parts.</param>
    /// <param name="seed">The seed of the shuffle.</param>
    public DocumentSplit(ReadOnlySpan<ulong> contents, SplitSection split, long seed)
    {
        int count = contents.Length;
        _split = split;
        _order = [.. Enumerable.Range(0, count)];
        if (split.Shuffle)
        {
            var draws = new ulong[count];
            for (int i = 0; i < count; i++)
                draws[i] = SplitMix64.At((ulong)seed, (ulong)i);
            Array.Sort(draws, _order);
        }
        _parts = new Part[count];
        ShareOut(Groups(contents));
    }

    /// <summary>
    /// Splits by count if that also gives each part its share of the total size; else by size if whole documents allow
    /// it; else by position.
    /// </summary>
    /// <param name="contents">A hash of each document's content.</param>
    /// <param name="sizes">The size of each document, in characters or rows.</param>
    /// <param name="split">The shares of the parts.</param>
    /// <param name="seed">The seed of the shuffle.</param>
    public DocumentSplit(ReadOnlySpan<ulong> contents, ReadOnlySpan<long> sizes, SplitSection split, long seed)
        : this(contents, split, seed)
    {
        _sizes = sizes.ToArray();
        if (IsNear())
            return;
        ArraySegment<int>[] groups = [.. Groups(contents)];
        Method = SplitMethod.BySize;
        ShareOutBySize(groups);
        if (IsNear())
            return;
        Method = SplitMethod.ByPosition;
        _stretches = Cut(groups);
    }

    /// <summary>The method that was used.</summary>
    public SplitMethod Method { get; }

    /// <summary>
    /// Returns the documents of a part, in the order in which to write them. For documents that may have been cut, use
    /// <see cref="Stretches"/>.
    /// </summary>
    public IEnumerable<int> Documents(Part part) => _order.Where(document => _parts[document] == part);

    /// <summary>
    /// Returns the documents of a part, or stretches of those that were cut, in the order in which to write them. Only
    /// for a split with sizes.
    /// </summary>
    public IEnumerable<DocumentStretch> Stretches(Part part) =>
        _stretches is { } cut ? cut[(int)part]
            : Documents(part).Select(document => new DocumentStretch(document, 0, _sizes![document]));

    /// <summary>
    /// Returns a sentence that says which method was used, why, and what share each part got; null if there is only one
    /// part.
    /// </summary>
    /// <param name="documents">The word for documents, in the plural: "documents", "series".</param>
    /// <param name="units">The unit of their sizes, in the plural: "characters", "rows".</param>
    public string? Describe(string documents, string units)
    {
        Part[] parts = [.. AllParts.Where(part => Share(part) > 0)];
        if (parts.Length < 2)
            return null;
        double whole = Math.Max(1, _sizes!.Sum());
        string shares = string.Join(", ", parts.Select(part => FormattableString.Invariant(
            $"{Stretches(part).Sum(s => s.To - s.From) / whole:0.0%} {part.ToString().ToLowerInvariant()}")));
        string count = _order.Length.ToString("#,0", CultureInfo.InvariantCulture);
        string how = Method switch
        {
            SplitMethod.ByCount => $"The {count} {documents} were assigned whole",
            SplitMethod.BySize =>
                string.Create(CultureInfo.InvariantCulture,
                $"The {_order.Length:#,0} {documents} differ much in size, so they were assigned whole by "
                    + $"their {units}"),
            _ when _order.Length == 1 =>
                "The source is a single document, so it was split by position, the beginning for training and the "
                    + "end for evaluation",
            _ => $"No assignment of the {count} whole {documents} comes near the shares, so they were "
                + $"split by position",
        };
        return $"{how}: {shares} ({units}).";
    }

    private double Share(Part part) => part switch
    {
        Part.Train => _split.Train,
        Part.Validation => _split.Validation,
        Part.Test => _split.Test,
        _ => Math.Max(0, 1 - _split.Train - _split.Validation - _split.Test),
    };

    /// <summary>
    /// Groups the indices of documents with the same content. Groups are in the order in which their first documents
    /// occur.
    /// </summary>
    private IEnumerable<ArraySegment<int>> Groups(ReadOnlySpan<ulong> contents)
    {
        var rank = new int[_order.Length];
        for (int i = 0; i < _order.Length; i++)
            rank[_order[i]] = i;
        ulong[] sorted = contents.ToArray();
        int[] members = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, members);
        var groups = new List<(int First, ArraySegment<int> Members)>();
        for (int start = 0, end; start < sorted.Length; start = end)
        {
            int first = int.MaxValue;
            for (end = start; end < sorted.Length && sorted[end] == sorted[start]; end++)
                first = Math.Min(first, rank[members[end]]);
            groups.Add((first, new(members, start, end - start)));
        }
        groups.Sort((a, b) => a.First.CompareTo(b.First));
        return groups.Select(group => group.Members);
    }

    private void ShareOut(IEnumerable<ArraySegment<int>> groups)
    {
        int count = _order.Length;
        Span<long> room = stackalloc long[3];
        double sum = 0;
        long given = 0;
        for (int p = 0; p < 3; p++)
        {
            // Rounding cumulative shares leaves no document over. Each requested part gets at least one document.
            sum += Share((Part)p);
            room[p] = Math.Max((long)Math.Round(sum * count) - given, Share((Part)p) > 0 ? 1 : 0);
            given += room[p];
        }
        if (given > count)
            room[0] = Math.Max(1, room[0] - (given - count));
        int part = 0;
        foreach (ArraySegment<int> group in groups)
        {
            while (part < 3 && room[part] <= 0)
                part++;
            int chosen = part is 1 or 2 && group.Count > room[part] + 1 + count / 100 ? 0 : part;
            foreach (int document in group)
                _parts[document] = (Part)chosen;
            if (chosen == part && part < 3)
                room[part] -= group.Count;
        }
    }

    /// <summary>Returns whether each part has about its share of the total size.</summary>
    private bool IsNear()
    {
        double whole = _sizes!.Sum();
        double Got(Part part) => Documents(part).Sum(document => (double)_sizes![document]);
        return Got(Part.Train) >= (_split.Train - Tolerance) * whole
            && AllParts.Skip(1).All(part => Share(part) == 0
                || (Got(part) > 0 && Got(part) >= LeastOfShare * Share(part) * whole));
    }

    /// <summary>
    /// Fills each part but the training part with documents that it has room for, from the end of the order; the
    /// training part gets the rest.
    /// </summary>
    private void ShareOutBySize(ArraySegment<int>[] groups)
    {
        double whole = _sizes!.Sum();
        Array.Fill(_parts, Part.Train);
        var free = groups.Reverse().ToList();
        foreach (Part part in (ReadOnlySpan<Part>)[Part.None, Part.Test, Part.Validation])
        {
            double room = Share(part) * whole, left = room;
            free.RemoveAll(group =>
            {
                double size = group.Sum(document => (double)_sizes![document]);
                if (size > left + 1e-6 || left <= (1 - FullEnough) * room)
                    return false;
                left -= size;
                foreach (int document in group)
                    _parts[document] = part;
                return true;
            });
        }
    }

    /// <summary>
    /// Concatenates the documents, with copies of the same content next to each other, and cuts where a part ends. All
    /// copies are cut at the same position.
    /// </summary>
    private List<DocumentStretch>[] Cut(ArraySegment<int>[] groups)
    {
        double whole = _sizes!.Sum();
        var stretches = Enum.GetValues<Part>().Select(_ => new List<DocumentStretch>()).ToArray();
        double before = 0; // the total size of earlier documents
        foreach (ArraySegment<int> group in groups)
        {
            long size = _sizes![group[0]], from = 0;
            double end = 0; // the cumulative share at the end of the part
            foreach (Part part in Enum.GetValues<Part>())
            {
                end += Share(part);
                long to = part == Part.None ? size
                    : (long)Math.Clamp(((end * whole) - before) / group.Count + 1e-6, from, size);
                if (to > from)
                    stretches[(int)part].AddRange(group.Select(document => new DocumentStretch(document, from, to)));
                from = to;
            }
            before += (double)size * group.Count;
        }
        return stretches;
    }
}
