using System.Runtime.CompilerServices;

namespace Atelier.Generation.Constraints;

/// <summary>
/// A deterministic automaton, built from a network as far as texts need it (the simulation of Thompson 1968 with cached
/// states, as in RE2). The cache has a memory budget, so a pattern with exponentially many states costs time but not
/// memory. States include the stacks of rule calls, so recursion is limited only by the length of the text.
/// </summary>
internal sealed class LazyAutomaton
{
    private const long Budget = 64 << 20; // bytes that cached states may take before the cache is cleared

    private readonly ByteNetwork _network;
    private readonly byte[] _classOf = new byte[256];
    private readonly byte[] _byteOf; // one byte of each class
    private readonly Dictionary<PlaceKey, ConstraintState> _states = [];
    private readonly Dictionary<(int Return, long Caller), CallFrame> _frames = [];
    private readonly HashSet<NetworkPlace> _seen = [];
    private readonly Stack<NetworkPlace> _open = [];
    private readonly List<NetworkPlace> _reading = [];
    private long _frameCount;
    private long _held;

    public LazyAutomaton(ByteNetwork network)
    {
        _network = network;
        // Bytes that no edge distinguishes form one class. The space has a class of its own.
        bool[] begins = new bool[257];
        begins[' '] = begins[' ' + 1] = true;
        foreach ((byte first, byte last, _) in network.Nodes.SelectMany(n => n.Edges))
            begins[first] = begins[last + 1] = true;
        var byteOf = new List<byte> { 0 };
        for (int value = 1; value < 256; value++)
        {
            if (begins[value])
                byteOf.Add((byte)value);
            _classOf[value] = (byte)(byteOf.Count - 1);
        }
        _byteOf = [.. byteOf];
        Start = Close([new NetworkPlace(network.Starts[0], null)]);
    }

    /// <summary>The state of the empty text.</summary>
    public ConstraintState Start { get; }

    /// <summary>
    /// Returns the state of the empty text for tokenizers that begin texts with a space, which is removed from them.
    /// </summary>
    public ConstraintState StartThatLosesASpace()
    {
        var start = new ConstraintState(Start.Places, Start.IsComplete, _byteOf.Length);
        start.Next[_classOf[' ']] = Start;
        return start;
    }

    /// <summary>Returns the state after a byte.</summary>
    public ConstraintState Step(ConstraintState state, byte value) =>
        state.Next[_classOf[value]] ?? (state.Next[_classOf[value]] = Walk(state, _byteOf[_classOf[value]]));

    /// <summary>Counts the memory of cached states, and clears the cache when the budget is exceeded.</summary>
    public void Hold(long bytes)
    {
        _held += bytes;
        if (_held <= Budget)
            return;
        foreach (ConstraintState state in _states.Values)
        {
            Array.Clear(state.Next);
            state.Mask = null;
        }
        _states.Clear();
        _frames.Clear();
        _states.Add(new PlaceKey(Start.Places, Start.IsComplete), Start);
        _held = 0;
    }

    private ConstraintState Walk(ConstraintState state, byte value)
    {
        var reached = new List<NetworkPlace>();
        foreach (NetworkPlace place in state.Places)
        {
            foreach ((byte first, byte last, int next) in _network.Nodes[place.Node].Edges)
            {
                if (first <= value && value <= last)
                    reached.Add(new NetworkPlace(next, place.Frame));
            }
        }
        return Close(reached);
    }

    /// <summary>Returns the state of places and of all that are reached from them without reading a byte.</summary>
    private ConstraintState Close(List<NetworkPlace> places)
    {
        _seen.Clear();
        _reading.Clear();
        bool complete = false;
        foreach (NetworkPlace place in places)
            Visit(place);
        while (_open.TryPop(out NetworkPlace place))
        {
            NetworkNode node = _network.Nodes[place.Node];
            if (node.Edges.Count > 0)
                _reading.Add(place);
            foreach (int jump in node.Jumps)
                Visit(new NetworkPlace(jump, place.Frame));
            if (node.Rule >= 0)
                Visit(new NetworkPlace(_network.Starts[node.Rule], Frame(node.Return, place.Frame)));
            if (node.IsEnd && place.Frame is { } frame)
                Visit(new NetworkPlace(frame.Return, frame.Caller));
            complete |= node.IsEnd && place.Frame is null;
        }
        _reading.Sort(NetworkPlace.Order);
        var key = new PlaceKey([.. _reading], complete);
        if (_states.TryGetValue(key, out ConstraintState? known))
            return known;
        var state = new ConstraintState(key.Places, complete, _byteOf.Length);
        Hold(128 + key.Places.Length * 16L + _byteOf.Length * 8L);
        _states.Add(key, state);
        return state;
    }

    private void Visit(NetworkPlace place)
    {
        if (_network.IsUseful[place.Node] && _seen.Add(place))
            _open.Push(place);
    }

    private CallFrame Frame(int @return, CallFrame? caller)
    {
        (int, long) key = (@return, caller?.Id ?? 0);
        if (!_frames.TryGetValue(key, out CallFrame? frame))
        {
            _frames.Add(key, frame = new CallFrame(@return, caller, ++_frameCount));
            Hold(96);
        }
        return frame;
    }

    /// <summary>The places of a state, compared by value.</summary>
    private readonly struct PlaceKey(NetworkPlace[] places, bool complete) : IEquatable<PlaceKey>
    {
        public NetworkPlace[] Places { get; } = places;

        private bool Complete { get; } = complete;

        public bool Equals(PlaceKey other) => Complete == other.Complete && Places.AsSpan().SequenceEqual(other.Places);

        public override bool Equals(object? obj) => obj is PlaceKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (NetworkPlace place in Places)
                hash.Add(((long)place.Node << 32) ^ (place.Frame?.Id ?? 0));
            return hash.ToHashCode();
        }
    }
}
