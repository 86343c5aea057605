using System.Runtime.InteropServices;

namespace Atelier.Tokenizers;

/// <summary>A tree of the pieces of a vocabulary by their characters (UTF-16 units).</summary>
internal sealed class PieceTrie
{
    private readonly Dictionary<long, int> _next = [];
    private readonly List<int> _ids = [-1]; // by node: the id of the piece that ends there, or -1

    /// <summary>Creates a tree of pieces, which are different.</summary>
    public PieceTrie(IEnumerable<(string Text, int Id)> pieces)
    {
        foreach ((string text, int id) in pieces)
        {
            int node = 0;
            foreach (char letter in text)
            {
                ref int next = ref CollectionsMarshal.GetValueRefOrAddDefault(_next, Key(node, letter), out bool known);
                if (!known)
                {
                    next = _ids.Count;
                    _ids.Add(-1);
                }
                node = next;
            }
            _ids[node] = id;
        }
    }

    /// <summary>Moves from a node, 0 for the root, along a character.</summary>
    /// <returns>False if no piece continues so.</returns>
    public bool Follow(ref int node, char letter) => _next.TryGetValue(Key(node, letter), out node);

    /// <summary>Returns the id of the piece that ends at a node, or -1.</summary>
    public int IdAt(int node) => _ids[node];

    private static long Key(int node, char letter) => ((long)node << 16) | letter;
}
