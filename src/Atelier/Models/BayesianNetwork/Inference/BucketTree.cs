namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Exact answers about many variables at once: after the sums have gone up from bucket to bucket, what is known
/// elsewhere comes down again (Kask, Dechter, Larrosa and Dechter 2005). Only messages are stored, never products, so
/// that networks are answered whose junction tree would not fit into memory.
/// </summary>
internal sealed class BucketTree
{
    private readonly Buckets _buckets;
    private readonly Factor?[] _down;
    private readonly Dictionary<int, int> _places = [];
    private readonly Func<int, int> _statesOf;
    private readonly CancellationToken _cancellation;

    /// <summary>Sends messages down.</summary>
    /// <param name="network">The network.</param>
    /// <param name="buckets">What went up, exactly and not impossible.</param>
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
                // All that meets there but what came from here.
                Factor[] others = [.. Meeting(to).Where(f => !ReferenceEquals(f, message))];
                _down[k] = Factor.Project(others, message.Scope, _statesOf, cancellation: cancellation).Scaled(out _);
            }
        }
    }

    /// <summary>
    /// The distribution of variables that one factor of the network holds together, the first slowest; it sums to 1.
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
