namespace Atelier.Generation.Constraints;

/// <summary>A set of Unicode scalar values, as sorted ranges that neither touch nor overlap.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;
    private readonly (int First, int Last)[] _ranges;

    private CharacterSet((int First, int Last)[] ranges) => _ranges = ranges;

    /// <summary>All scalar values: 0 to U+10FFFF without the surrogates.</summary>
    public static CharacterSet All { get; } = new([(0, 0xD7FF), (0xE000, Last)]);

    public static CharacterSet None { get; } = new([]);

    public IReadOnlyList<(int First, int Last)> Ranges => _ranges;

    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>Returns the characters of ranges in any order, without the surrogates.</summary>
    public static CharacterSet Of(params IEnumerable<(int First, int Last)> ranges) =>
        new CharacterSet(Merge(ranges)).Intersect(All);

    public static CharacterSet Of(int character) => Of((character, character));

    /// <summary>Returns whether a character is in the set.</summary>
    public bool Contains(int character)
    {
        int low = 0, high = _ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].Last < character)
                low = middle + 1;
            else if (_ranges[middle].First > character)
                high = middle - 1;
            else
                return true;
        }
        return false;
    }

    public CharacterSet Union(CharacterSet other) => new(Merge([.. _ranges, .. other._ranges]));

    public CharacterSet Complement()
    {
        var ranges = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in _ranges)
        {
            if (first > next)
                ranges.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Last)
            ranges.Add((next, Last));
        return Of(ranges);
    }

    public CharacterSet Intersect(CharacterSet other)
    {
        var ranges = new List<(int, int)>();
        for (int i = 0, j = 0; i < _ranges.Length && j < other._ranges.Length;)
        {
            int first = Math.Max(_ranges[i].First, other._ranges[j].First),
                last = Math.Min(_ranges[i].Last, other._ranges[j].Last);
            if (first <= last)
                ranges.Add((first, last));
            if (_ranges[i].Last < other._ranges[j].Last)
                i++;
            else
                j++;
        }
        return new([.. ranges]);
    }

    public CharacterSet Except(CharacterSet other) => Intersect(other.Complement());

    private static (int, int)[] Merge(IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach ((int first, int last) in ranges.OrderBy(r => r.First))
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else
                merged.Add((first, last));
        }
        return [.. merged];
    }
}
