using System.Globalization;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>The parts of a corpus.</summary>
internal enum Part
{
    /// <summary>To learn from.</summary>
    Train,

    /// <summary>To watch while learning.</summary>
    Validation,

    /// <summary>The test part.</summary>
    Test,

    /// <summary>Left over where the shares sum to less than 1.</summary>
    None,
}

/// <summary>The methods of splitting.</summary>
internal enum SplitMethod
{
    /// <summary>Whole documents, as many as each part's share of their number.</summary>
    ByCount,

    /// <summary>
    /// Whole documents, as much text as each part's share: their sizes differ too much to count them.
    /// </summary>
    BySize,

    /// <summary>
    /// One document after another, cut where a part ends: no choice of whole documents comes near the shares.
    /// </summary>
    ByPosition,
}

/// <summary>A document of a part, or the stretch of one that was cut.</summary>
/// <param name="Document">Its number.</param>
/// <param name="From">Where the stretch begins, in units of its size.</param>
/// <param name="To">Where it ends; the document's size where nothing was cut off.</param>
internal readonly record struct DocumentStretch(int Document, long From, long To);

/// <summary>
/// Shares documents out to the parts. Documents with the same content go to the same part, or are cut at the same
/// place, so that no test document is in the training part; a content that is repeated more often than a small part has
/// room for goes to training. Where sizes are known, training gets its share of them, less at most <see
/// cref="Tolerance"/> of the whole and one unit a copy of a document that is cut, and every other part gets at least
/// half of its own.
/// </summary>
internal sealed class DocumentSplit
{
    /// <summary>How much less than its share training may get, as a share of the whole.</summary>
    public const double Tolerance = 0.01;

    private const double LeastOfShare = 0.5; // of a held-out part, or documents are cut
    private const double FullEnough = 0.9; // of a part's room: more would be filled with the shortest documents alone
    private static readonly Part[] Asked = [Part.Train, Part.Validation, Part.Test];

    private readonly SplitSection _split;
    private readonly int[] _order;
    private readonly Part[] _parts;
    private readonly long[]? _sizes;
    private readonly List<DocumentStretch>[]? _stretches; // [part], where documents were cut

    /// <summary>Shares out by number: documents are alike in size.</summary>
    /// <param name="contents">A hash of each document's content.</param>
    /// <param name="split">The shares.</param>
    /// <param name="seed">Of the shuffle.</param>
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
    /// Shares out by number where that gives the shares of the sizes too, by size where whole documents can, and cuts
    /// otherwise.
    /// </summary>
    /// <param name="contents">A hash of each document's content.</param>
    /// <param name="sizes">The size of each document: characters, rows.</param>
    /// <param name="split">The shares.</param>
    /// <param name="seed">Of the shuffle.</param>
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

    /// <summary>The method of the split.</summary>
    public SplitMethod Method { get; }

    /// <summary>
    /// The documents of a part, in the order they are to be written. For documents that may have been cut, see <see
    /// cref="Stretches"/>.
    /// </summary>
    public IEnumerable<int> Documents(Part part) => _order.Where(document => _parts[document] == part);

    /// <summary>
    /// The documents of a part and the stretches of those that were cut, in the order they are to be written; of a
    /// split with sizes.
    /// </summary>
    public IEnumerable<DocumentStretch> Stretches(Part part) =>
        _stretches is { } cut ? cut[(int)part]
            : Documents(part).Select(document => new DocumentStretch(document, 0, _sizes![document]));

    /// <summary>
    /// Which split was used, why, and what each part got, one sentence; null where there is one part alone.
    /// </summary>
    /// <param name="documents">What documents are called, in the plural: "documents", "series".</param>
    /// <param name="units">What their sizes are counted in: "characters".</param>
    public string? Describe(string documents, string units)
    {
        Part[] parts = [.. Asked.Where(part => Share(part) > 0)];
        if (parts.Length < 2)
            return null;
        double whole = Math.Max(1, _sizes!.Sum());
        string shares = string.Join(", ", parts.Select(part => FormattableString.Invariant(
            $"{Stretches(part).Sum(s => s.To - s.From) / whole:0.0%} {part.ToString().ToLowerInvariant()}")));
        string how = Method switch
        {
            SplitMethod.ByCount =>
                FormattableString.Invariant($"The {_order.Length:#,0} {documents} were assigned whole"),
            SplitMethod.BySize =>
                string.Create(CultureInfo.InvariantCulture,
                $"The {_order.Length:#,0} {documents} differ much in size, so they were assigned whole by "
                    + $"their {units}"),
            _ when _order.Length == 1 =>
                "The source is a single document, so it was split by position, the beginning for training and the "
                    + "end for evaluation",
            _ => string.Create(CultureInfo.InvariantCulture,
                $"No assignment of the {_order.Length:#,0} whole {documents} comes near the shares, so they were "
                    + $"split by position"),
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
    /// Documents of the same content: their numbers, the groups in the order in which each is met first.
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
            // Rounding the sums and not the shares leaves no document over; a part that is asked for gets one at least.
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

    /// <summary>Whether the parts have their shares of the sizes.</summary>
    private bool IsNear()
    {
        double whole = _sizes!.Sum();
        double Got(Part part) => Documents(part).Sum(document => (double)_sizes![document]);
        return Got(Part.Train) >= (_split.Train - Tolerance) * whole
            && Asked.Skip(1).All(part => Share(part) == 0
                || (Got(part) > 0 && Got(part) >= LeastOfShare * Share(part) * whole));
    }

    /// <summary>
    /// Fills every other part with documents that it has room for, the last of the order first; training gets the rest.
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
    /// Lays the documents one after another, copies of one side by side, and cuts where a part ends: every copy at the
    /// same place.
    /// </summary>
    private List<DocumentStretch>[] Cut(ArraySegment<int>[] groups)
    {
        double whole = _sizes!.Sum();
        var stretches = Enum.GetValues<Part>().Select(_ => new List<DocumentStretch>()).ToArray();
        double before = 0; // of the size of earlier documents
        foreach (ArraySegment<int> group in groups)
        {
            long size = _sizes![group[0]], from = 0;
            double end = 0; // of the part
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
