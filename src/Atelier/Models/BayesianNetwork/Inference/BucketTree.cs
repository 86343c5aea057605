namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Computes exact marginals of many variables at once by bucket-tree elimination: after the messages from the first
/// bucket to the last, a second pass sends messages back (Kask, Dechter, Larrosa and Dechter 2005). Only messages are
/// stored, never products, so that it handles networks whose junction tree would not fit into memory.
/// </summary>
internal sealed class BucketTree
{
    private readonly Buckets _buckets;
    private readonly Factor?[] _down; // [bucket]: the message that comes back to it
    private readonly Dictionary<int, int> _places = []; // the bucket of each variable
    private readonly Func<int, int> _statesOf;
    private readonly CancellationToken _cancellation;

    /// <summary>Computes the messages of the second pass.</summary>
    /// <param name="network">The network.</param>
    /// <param name="buckets">The result of the first pass; it must be exact and possible.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public BucketTree(DiscreteNetwork network, Buckets buckets, CancellationToken cancellation)
    {
        (_buckets, _statesOf, _cancellation) = (buckets, network.StatesOf, cancellation);
        _down = new Factor?[buckets.All.Count];
        for (int k = _down.Length - 1; k >= 0; k--)
        {
            cancellation.ThrowIfCancellationRequested();
            _places[buckets.All[k].Variable] = k;
            if (buckets.All[k].Up is [(Factor message, int to)])
            {
                // All factors in the receiving bucket except the message that this bucket sent
                Factor[] others = [.. Meeting(to).Where(f => !ReferenceEquals(f, message))];
                _down[k] = Factor.Project(others, message.Scope, _statesOf, cancellation: cancellation).Scaled(out _);
            }
        }
    }

    /// <summary>
    /// The joint distribution of variables that occur together in one factor of the network, in row-major order. It
    /// sums to 1.
    /// </summary>
    public double[] Distribution(params int[] variables)
    {
        double[] values = Factor.Project([.. Meeting(variables.Min(v => _places[v]))], variables, _statesOf,
            cancellation: _cancellation).Values;
        double sum = values.Sum();
        return Array.ConvertAll(values, v => v / sum);
    }

    private IEnumerable<Factor> Meeting(int bucket) =>
        _down[bucket] is { } down ? _buckets.All[bucket].Functions.Append(down) : _buckets.All[bucket].Functions;
}
