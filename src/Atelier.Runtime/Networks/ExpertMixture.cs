using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A mixture of experts (Shazeer et al. 2017): each row goes to the experts that its router prefers, and the results
/// are added with the router's probabilities, always in the order of the experts, so that the result of a row does not
/// depend on the others.
/// </summary>
internal sealed unsafe class ExpertMixture
{
    private readonly DecoderConfig _config;
    private readonly ExpertConfig _experts;
    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly PassProducts _products;
    private readonly float* _scores, _shares, _gathered, _inner, _gate, _results;
    private readonly int[] _rows; // the rows of an expert, one expert after another
    private readonly float[] _weights; // their weights
    private readonly int[] _starts; // where the rows of an expert begin

    public ExpertMixture(DecoderConfig config, KernelPath path, WorkerPool pool, PassProducts products,
        PassScratch scratch, int mostRows)
    {
        (_config, _experts, _path, _pool, _products) = (config, config.Experts!, path, pool, products);
        int inner = Math.Max(_experts.Size, _experts.SharedSize);
        X = scratch.Floats((long)mostRows * config.HiddenSize);
        Sums = scratch.Floats((long)mostRows * config.HiddenSize);
        _scores = scratch.Floats((long)mostRows * _experts.Count);
        _shares = scratch.Floats(mostRows);
        _gathered = scratch.Floats((long)mostRows * config.HiddenSize);
        _results = scratch.Floats((long)mostRows * config.HiddenSize);
        _inner = scratch.Floats((long)mostRows * inner);
        _gate = scratch.Floats((long)mostRows * inner);
        _rows = new int[mostRows * _experts.PerToken];
        _weights = new float[mostRows * _experts.PerToken];
        _starts = new int[_experts.Count + 1];
    }

    /// <summary>The input, [rows, hidden].</summary>
    public float* X { get; }

    /// <summary>The result, [rows, hidden].</summary>
    public float* Sums { get; }

    /// <summary>Computes a worker's part of the result. A barrier must precede and follow it.</summary>
    public void Run(int worker, PassExperts block, PassStep step)
    {
        Operand x = _products.InBytes(worker, X, step.Count, _config.HiddenSize, block.Router.IsBlocked);
        _products.Multiply(worker, block.Router, x, step.Count, _scores, _experts.Count, step.IsAlone);
        if (block.SharedGate is { } gate)
            _products.Multiply(worker, gate, x, step.Count, _shares, 1, step.IsAlone);
        _pool.Barrier();
        if (worker == 0)
            Route(step.Count, block.SharedGate is not null);
        (int start, int end) = _products.Share(worker, step.Count);
        new Span<float>(Sums + ((long)start * _config.HiddenSize), (end - start) * _config.HiddenSize).Clear();
        _pool.Barrier();
        for (int expert = 0; expert < _experts.Count; expert++)
        {
            int first = _starts[expert], count = _starts[expert + 1] - first;
            if (count == 0)
                continue;
            ReadOnlySpan<int> rows = _rows.AsSpan(first, count);
            float* input = Gather(worker, rows, step.Count);
            Compute(worker, block.Experts[expert], input, count, step.IsAlone);
            for (int i = 0; i < count; i++)
                AddResult(worker, block.Experts[expert], i, rows[i], _weights[first + i]);
        }
        if (block.Shared is not { } shared)
            return;
        _pool.Barrier();
        Compute(worker, shared, X, step.Count, step.IsAlone);
        for (int row = 0; row < step.Count; row++)
            AddResult(worker, shared, row, row, _shares[row]);
    }

    /// <summary>Chooses the experts of each row: the most probable ones, the first of equal ones.</summary>
    private void Route(int rows, bool hasShared)
    {
        int perToken = _experts.PerToken;
        Span<int> chosen = stackalloc int[perToken];
        var choices = new (int Expert, int Row, float Weight)[rows * perToken];
        for (int row = 0; row < rows; row++)
        {
            float* scores = _scores + ((long)row * _experts.Count);
            _path.SoftMax(scores, _experts.Count);
            float total = 0;
            for (int i = 0; i < perToken; i++)
            {
                int best = -1;
                for (int expert = 0; expert < _experts.Count; expert++)
                {
                    if ((best < 0 || scores[expert] > scores[best]) && !chosen[..i].Contains(expert))
                        best = expert;
                }
                chosen[i] = best;
                total += scores[best];
            }
            for (int i = 0; i < perToken; i++)
                choices[(row * perToken) + i] =
                    (chosen[i], row, _experts.IsNormalised ? scores[chosen[i]] / total : scores[chosen[i]]);
        }
        if (hasShared)
            _path.Sigmoid(rows, _shares);
        Array.Sort(choices, (a, b) => (a.Expert, a.Row).CompareTo((b.Expert, b.Row)));
        Array.Clear(_starts);
        for (int i = 0; i < choices.Length; i++)
        {
            (_rows[i], _weights[i]) = (choices[i].Row, choices[i].Weight);
            _starts[choices[i].Expert + 1] = i + 1;
        }
        for (int expert = 0; expert < _experts.Count; expert++)
            _starts[expert + 1] = Math.Max(_starts[expert + 1], _starts[expert]);
    }

    /// <summary>
    /// Returns rows of the input one after another; in place if they are all, as in a step of one sequence. Ends with a
    /// barrier, since memory of the expert before is used again.
    /// </summary>
    private float* Gather(int worker, ReadOnlySpan<int> rows, int all)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = rows.Length == all ? (0, 0) : _products.Share(worker, rows.Length);
        for (int i = start; i < end; i++)
            new ReadOnlySpan<float>(X + ((long)rows[i] * hidden), hidden)
                .CopyTo(new Span<float>(_gathered + ((long)i * hidden), hidden));
        _pool.Barrier();
        return rows.Length == all ? X : _gathered;
    }

    /// <summary>Computes a worker's part of an expert's results.</summary>
    private void Compute(int worker, PassFeedForward expert, float* input, int rows, bool asAlone)
    {
        Operand x = _products.InBytes(worker, input, rows, _config.HiddenSize, expert.IsBlocked);
        _products.FeedForward(worker, expert, _config.Activation, x, rows, _inner, _gate, asAlone);
        _pool.Barrier();
        x = _products.InBytes(worker, _inner, rows, expert.Down.Weight.Columns, expert.Down.IsBlocked);
        _products.Multiply(worker, expert.Down, x, rows, _results, _config.HiddenSize, asAlone);
    }

    /// <summary>Adds a worker's part of a result, which no other worker has computed.</summary>
    private void AddResult(int worker, PassFeedForward expert, int result, int row, float weight)
    {
        (int start, int end) = expert.Down.Share(worker, _pool.Workers);
        _path.AddWeighted(&weight, _results + ((long)result * _config.HiddenSize) + start, 1, end - start,
            Sums + ((long)row * _config.HiddenSize) + start);
    }
}
