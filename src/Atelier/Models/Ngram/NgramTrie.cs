namespace Atelier.Models.Ngram;

/// <summary>
/// All n-grams of a corpus up to an order with their counts, as a trie in flat arrays. Nodes are stored level by level,
/// and the children of a node in ascending order of their tokens, so that a look-up is a binary search. Node 0 is the
/// empty n-gram. Immutable.
/// </summary>
internal sealed class NgramTrie
{
    private const int CountedAtOnce = 1 << 16; // tokens between checks for cancellation
    private readonly int[] _tokens;
    private readonly int[] _firstChild; // [nodes + 1]
    private readonly int[] _single; // [largest token + 1]: the node of each n-gram of one token, or −1

    /// <summary>Creates a trie from its arrays, and checks them.</summary>
    /// <param name="tokens">[nodes]: the last token of each n-gram; that of node 0 has no meaning.</param>
    /// <param name="counts">[nodes]: the number of times that each n-gram was predicted.</param>
    /// <param name="firstChild">[nodes + 1]: the index of each node's first child.</param>
    /// <exception cref="AtelierException">The arrays do not describe a trie.</exception>
    public NgramTrie(int[] tokens, int[] counts, int[] firstChild)
    {
        bool sound = tokens.Length > 0 && counts.Length == tokens.Length && firstChild.Length == tokens.Length + 1
            && firstChild[0] == 1 && firstChild[^1] == tokens.Length
            && counts.AsSpan().IndexOfAnyExceptInRange(0, int.MaxValue) < 0;
        for (int node = 0; sound && node < tokens.Length; node++)
        {
            sound = firstChild[node] > node && firstChild[node] <= firstChild[node + 1] && tokens[node] >= 0;
            for (int child = firstChild[node] + 1; sound && child < firstChild[node + 1]; child++)
                sound = tokens[child] > tokens[child - 1];
        }
        if (!sound)
            throw new AtelierException("its counts do not form a trie: the file is damaged",
                hint: "download the bundle again");
        (_tokens, Counts, _firstChild) = (tokens, counts, firstChild);
        _single = new int[firstChild[1] > 1 ? tokens[firstChild[1] - 1] + 1 : 0];
        Array.Fill(_single, -1);
        for (int node = 1; node < firstChild[1]; node++)
            _single[tokens[node]] = node;
    }

    /// <summary>[nodes]: the last token of each n-gram.</summary>
    public int[] Tokens => _tokens;

    /// <summary>[nodes]: the number of times that each n-gram was predicted.</summary>
    public int[] Counts { get; }

    /// <summary>[nodes + 1]: the index of each node's first child; those of a node end where the next begin.</summary>
    public int[] FirstChild => _firstChild;

    /// <summary>The indices of a node's children.</summary>
    public Range Children(int node) => _firstChild[node].._firstChild[node + 1];

    /// <summary>Returns the node of an n-gram extended by a token; −1 if there is none.</summary>
    public int Child(int node, int token)
    {
        if (node == 0) // it has by far the most children, and is searched most often
            return (uint)token < (uint)_single.Length ? _single[token] : -1;
        int first = _firstChild[node];
        int at = Array.BinarySearch(_tokens, first, _firstChild[node + 1] - first, token);
        return at >= 0 ? at : -1;
    }

    /// <summary>Returns the node of an n-gram; −1 if there is none.</summary>
    public int Find(ReadOnlySpan<int> tokens)
    {
        int node = 0;
        for (int i = 0; i < tokens.Length && node >= 0; i++)
            node = Child(node, tokens[i]);
        return node;
    }

    /// <summary>
    /// Counts the n-grams of documents. The first token of each document serves as context only and is not predicted.
    /// </summary>
    /// <param name="documents">The tokens of each document, preceded by the start token.</param>
    /// <param name="order">The length of the longest n-grams.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static NgramTrie Count(IEnumerable<ReadOnlyMemory<int>> documents, int order,
        CancellationToken cancellation = default)
    {
        var children = new Dictionary<long, int>();
        var parents = new List<int> { -1 };
        var tokens = new List<int> { 0 };
        var counts = new List<int> { 0 };
        foreach (ReadOnlyMemory<int> document in documents)
        {
            ReadOnlySpan<int> ids = document.Span;
            for (int start = 0; start < ids.Length; start++)
            {
                if (start % CountedAtOnce == 0)
                    cancellation.ThrowIfCancellationRequested();
                int node = 0;
                for (int i = start; i < Math.Min(ids.Length, start + order); i++)
                {
                    ref int child = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
                        children, ((long)node << 32) | (uint)ids[i], out bool known);
                    if (!known)
                    {
                        child = parents.Count;
                        parents.Add(node);
                        tokens.Add(ids[i]);
                        counts.Add(0);
                    }
                    node = child;
                    if (i > 0)
                        counts[node]++;
                }
            }
        }
        return Flatten(parents, tokens, counts, cancellation);
    }

    /// <summary>Renumbers the nodes level by level, and the children of a node in order of their tokens.</summary>
    private static NgramTrie Flatten(List<int> parents, List<int> tokens, List<int> counts,
        CancellationToken cancellation)
    {
        int nodes = parents.Count;
        int[] depth = new int[nodes], number = new int[nodes], order = new int[nodes];
        for (int node = 1; node < nodes; node++)
            depth[node] = depth[parents[node]] + 1; // parents are created before their children
        int deepest = depth.Max();
        int[][] levels = [.. Enumerable.Range(0, deepest + 1).Select(_ => Array.Empty<int>())];
        foreach (IGrouping<int, int> level in Enumerable.Range(0, nodes).GroupBy(node => depth[node]))
            levels[level.Key] = [.. level];

        int next = 0;
        foreach (int[] level in levels)
        {
            cancellation.ThrowIfCancellationRequested();
            // Keys that sort by the parent's new number, which is already known, and then by token.
            long[] keys =
                [.. level.Select(node => node == 0 ? 0 : ((long)number[parents[node]] << 32) | (uint)tokens[node])];
            Array.Sort(keys, level);
            foreach (int node in level)
            {
                order[next] = node;
                number[node] = next++;
            }
        }
        int[] firstChild = new int[nodes + 1];
        for (int node = 1; node < nodes; node++)
            firstChild[number[parents[node]] + 1]++;
        firstChild[0] = 1;
        for (int i = 1; i <= nodes; i++)
            firstChild[i] += firstChild[i - 1];
        return new NgramTrie([.. order.Select(node => tokens[node])], [.. order.Select(node => counts[node])],
            firstChild);
    }
}
