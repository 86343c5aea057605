namespace Atelier.Data.Conversations;

/// <summary>Packs sequences into rows.</summary>
internal static class SequencePacking
{
    /// <summary>
    /// Packs sequences in their order, each into the row with the least room that it fits into, or into a new one
    /// (best fit, as in Krell et al. 2021).
    /// </summary>
    /// <param name="lengths">The lengths of the sequences, each from 1 to the capacity.</param>
    /// <param name="capacity">The length of a row.</param>
    /// <returns>The sequences of each row, by their places.</returns>
    public static List<List<int>> BestFit(IReadOnlyList<int> lengths, int capacity)
    {
        var rows = new List<List<int>>();
        var open = new Stack<List<int>>?[capacity]; // the rows by the room that is left in them
        foreach ((int i, int length) in lengths.Index())
        {
            int room = length;
            while (room < capacity && open[room] is not { Count: > 0 })
                room++;
            List<int> row = room < capacity ? open[room]!.Pop() : [];
            if (row.Count == 0)
                rows.Add(row);
            row.Add(i);
            if (room > length)
                (open[room - length] ??= new()).Push(row);
        }
        return rows;
    }
}
