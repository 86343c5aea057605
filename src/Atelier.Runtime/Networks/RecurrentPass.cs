using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Computes a step of many sequences through a recurrent network with all workers in parallel. Each layer multiplies
/// the inputs of all tokens in one large product; then it updates its states position by position, where each worker
/// updates its units. Longer sequences come first, so that the sequences with a token at a position are always the
/// first ones.
/// </summary>
internal sealed unsafe class RecurrentPass : IParallelWork, IDisposable
{
    // the largest number of tokens processed together, unless there are more sequences
    private const int MostRows = 256;
    private readonly RecurrentWeights _weights;
    private readonly WorkerPool _pool;
    private readonly PassProduct[] _inputs, _states;
    private readonly PassProduct _head;
    private readonly PassScratch _constants = new();
    private readonly int _hidden, _gates;
    private readonly RecurrentCell _cell;
    private PassScratch _scratch = new();
    private SequenceInput[] _order = [];
    private int[] _logitRows = []; // for each input in that order, its first row in the logits
    private int[] _rank = []; // for each input, its index in that order
    private int[] _firstRows = []; // for each position of a run, the row of its first sequence; then the number of rows
    private int _room, _sequences, _from, _places;
    private bool _isStep; // one token per sequence: the result of a sequence must not depend on the others
    private float* _x, _output, _gateSums, _stateSums, _hiddenNow, _hiddenNext, _cells, _logits;
    private Operand _operand;

    public RecurrentPass(RecurrentWeights weights, KernelPath path, int workers)
    {
        (_weights, Path, _hidden, _gates) = (weights, path, weights.HiddenSize, weights.GateCount);
        _cell = new RecurrentCell(weights.Cell, path, _hidden);
        _inputs = [.. weights.Layers.Select(layer => new PassProduct(layer.Input, _constants))];
        _states = [.. weights.Layers.Select(layer => new PassProduct(layer.State, _constants))];
        _head = new PassProduct(weights.Head, _constants);
        _pool = new WorkerPool(workers);
    }

    /// <summary>The kernels.</summary>
    public KernelPath Path { get; }

    /// <summary>Reads tokens, already checked.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        Sort(inputs);
        _isStep = SequenceInput.AreOneTokenEach(inputs);
        MakeRoom(Math.Max(_sequences, Math.Min(MostRows, _sequences * _order[0].Tokens.Length)));
        int atOnce = Math.Max(1, _room / _sequences);
        fixed (float* to = logits)
        {
            _logits = to;
            for (_from = 0; _from < _order[0].Tokens.Length; _from += _places)
            {
                _places = Math.Min(atOnce, _order[0].Tokens.Length - _from);
                CountRows();
                _pool.Run(this);
            }
        }
        Array.Clear(_order); // keep no reference to sequences after the step
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        Embed(worker);
        for (int layer = 0; layer < _inputs.Length; layer++)
        {
            Operand x = InBytes(worker, _x, _firstRows[_places], _inputs[layer].Weight);
            for (int gate = 0; gate < _gates; gate++)
                Multiply(worker, _inputs[layer], gate, x, _firstRows[_places], _gateSums);
            if (worker == 0)
                Begin(layer);
            _pool.Barrier();
            for (int place = 0; place < _places; place++)
            {
                int row = _firstRows[place], active = _firstRows[place + 1] - row;
                Operand h = InBytes(worker, _hiddenNow, active, _states[layer].Weight);
                for (int gate = 0; gate < _gates; gate++)
                    Multiply(worker, _states[layer], gate, h, active, _stateSums);
                Update(worker, row, active);
                _pool.Barrier();
                if (worker == 0)
                    EndPlace(row, active);
                _pool.Barrier();
            }
            if (worker == 0)
                End(layer);
            _pool.Barrier();
        }
        Head(worker);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        _scratch.Dispose();
        _constants.Dispose();
    }

    /// <summary>Looks up the embeddings of all tokens, position by position.</summary>
    private void Embed(int worker)
    {
        int size = _weights.Embedding.Columns;
        for (int place = 0; place < _places; place++)
        {
            for (int row = _firstRows[place] + worker; row < _firstRows[place + 1]; row += _pool.Workers)
                _weights.Embedding.ReadRow(_order[row - _firstRows[place]].Tokens.Span[_from + place],
                    new Span<float>(_x + ((long)row * size), size));
        }
        _pool.Barrier();
    }

    private Operand InBytes(int worker, float* x, int rows, WeightMatrix weight)
    {
        if (!weight.Type.IsBlocked())
            return new Operand(x, default);
        int columns = weight.Columns;
        ByteVectors bytes = _operand.Bytes;
        for (int row = worker; row < rows; row += _pool.Workers)
            Path.ToBytes(x + ((long)row * columns), columns, bytes.At(row, columns));
        _pool.Barrier();
        return new Operand(x, bytes);
    }

    /// <summary>Computes a worker's units of one gate: y[row, gate, unit].</summary>
    private void Multiply(int worker, in PassProduct product, int gate, in Operand x, int rows, float* y)
    {
        (int start, int end) = Units(worker);
        if (start == end)
            return;
        int first = (gate * _hidden) + start, stride = _gates * _hidden;
        var part = new ProductRows(product.Weight, first, end - start);
        Path.Multiply(part, x.Floats, x.Bytes, rows, y + first, stride, _isStep);
        for (int row = 0; row < rows; row++)
            Path.Add(product.Bias + first, end - start, y + ((long)row * stride) + first);
    }

    private (int Start, int End) Units(int worker)
    {
        int sixteens = (_hidden + 15) / 16;
        return (Math.Min(_hidden, sixteens * worker / _pool.Workers * 16),
            Math.Min(_hidden, sixteens * (worker + 1) / _pool.Workers * 16));
    }

    /// <summary>Loads the states of a layer before its first position.</summary>
    private void Begin(int layer)
    {
        for (int i = 0; i < _sequences; i++)
        {
            var sequence = (RecurrentSequence)_order[i].Sequence;
            sequence.Hidden.AsSpan(layer * _hidden, _hidden)
                .CopyTo(new Span<float>(_hiddenNow + ((long)i * _hidden), _hidden));
            sequence.Cell.AsSpan(layer * _hidden, _hidden)
                .CopyTo(new Span<float>(_cells + ((long)i * _hidden), _hidden));
        }
    }

    /// <summary>Updates a worker's units of the sequences with a token at a position.</summary>
    private void Update(int worker, int row, int active)
    {
        (int start, int end) = Units(worker);
        int count = end - start, stride = _gates * _hidden;
        for (int i = 0; i < active; i++)
        {
            float* input = _gateSums + ((long)(row + i) * stride) + start,
                state = _stateSums + ((long)i * stride) + start;
            float* before = _hiddenNow + ((long)i * _hidden) + start, after = _hiddenNext + ((long)i * _hidden) + start;
            _cell.Step(input, state, count, _cells + ((long)i * _hidden) + start, before, after);
        }
    }

    /// <summary>
    /// Copies the hidden states of a position to the input of the next layer. Sequences that have ended keep their
    /// state.
    /// </summary>
    private void EndPlace(int row, int active)
    {
        long updated = (long)active * _hidden, all = (long)_sequences * _hidden;
        Copy(_hiddenNext, _output + ((long)row * _hidden), updated);
        Copy(_hiddenNow + updated, _hiddenNext + updated, all - updated);
        float* before = _hiddenNow;
        _hiddenNow = _hiddenNext;
        _hiddenNext = before;
    }

    /// <summary>
    /// Stores the states of a layer after its last position and makes its output the input of the next layer.
    /// </summary>
    private void End(int layer)
    {
        for (int i = 0; i < _sequences; i++)
        {
            var sequence = (RecurrentSequence)_order[i].Sequence;
            new ReadOnlySpan<float>(_hiddenNow + ((long)i * _hidden), _hidden)
                .CopyTo(sequence.Hidden.AsSpan(layer * _hidden, _hidden));
            new ReadOnlySpan<float>(_cells + ((long)i * _hidden), _hidden)
                .CopyTo(sequence.Cell.AsSpan(layer * _hidden, _hidden));
        }
        float* output = _output;
        _output = _x;
        _x = output;
    }

    /// <summary>
    /// Computes the requested logits. The vectors of their tokens are gathered in the order of the inputs, and those
    /// with consecutive rows of logits are multiplied together.
    /// </summary>
    private void Head(int worker)
    {
        int vocabulary = _weights.Embedding.Rows, count = 0, first = 0;
        (int start, int end) = _head.Share(worker, _pool.Workers);
        for (int input = 0; input < _sequences; input++)
        {
            int i = _rank[input], length = _order[i].Tokens.Length;
            for (int place = 0; place < _places && _from + place < length; place++)
            {
                int at = _from + place;
                if (!_order[i].AllLogits && at + 1 < length)
                    continue;
                int row = _logitRows[i] + (_order[i].AllLogits ? at : 0);
                if (count > 0 && row != first + count)
                    Flush();
                first = count == 0 ? row : first;
                if (count % _pool.Workers == worker)
                    Copy(_x + ((long)(_firstRows[place] + i) * _hidden), _output + ((long)count * _hidden), _hidden);
                count++;
            }
        }
        if (count > 0)
            Flush();

        void Flush()
        {
            _pool.Barrier();
            Operand operand = InBytes(worker, _output, count, _head.Weight);
            float* y = _logits + ((long)first * vocabulary) + start;
            var part = new ProductRows(_head.Weight, start, end - start);
            if (start < end)
                Path.Multiply(part, operand.Floats, operand.Bytes, count, y, vocabulary, _isStep);
            for (int t = 0; _head.Bias is not null && t < count; t++)
                Path.Add(_head.Bias + start, end - start, y + ((long)t * vocabulary));
            _pool.Barrier();
            count = 0;
        }
    }

    private void Sort(ReadOnlySpan<SequenceInput> inputs)
    {
        _sequences = inputs.Length;
        if (_order.Length < inputs.Length)
            (_order, _logitRows, _rank) =
                (new SequenceInput[inputs.Length], new int[inputs.Length], new int[inputs.Length]);
        for (int i = 0, row = 0; i < inputs.Length; i++)
        {
            SequenceInput input = inputs[i];
            int at = i;
            for (; at > 0 && _order[at - 1].Tokens.Length < input.Tokens.Length; at--)
                (_order[at], _logitRows[at]) = (_order[at - 1], _logitRows[at - 1]);
            (_order[at], _logitRows[at]) = (input, row);
            for (int earlier = 0; earlier < i; earlier++)
                _rank[earlier] += _rank[earlier] >= at ? 1 : 0;
            _rank[i] = at;
            row += input.AllLogits ? input.Tokens.Length : 1;
        }
    }

    private void CountRows()
    {
        if (_firstRows.Length <= _places)
            _firstRows = new int[_places + 1];
        int active = _sequences;
        for (int place = 0; place < _places; place++)
        {
            while (_order[active - 1].Tokens.Length <= _from + place)
                active--;
            _firstRows[place + 1] = _firstRows[place] + active;
        }
    }

    private static void Copy(float* from, float* to, long count) =>
        Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));

    private void MakeRoom(int rows)
    {
        if (rows <= _room)
            return;
        _room = rows;
        _scratch.Dispose();
        _scratch = new PassScratch();
        int widest = Math.Max(_hidden, _weights.Embedding.Columns);
        _x = _scratch.Floats((long)rows * widest);
        _output = _scratch.Floats((long)rows * widest);
        _gateSums = _scratch.Floats((long)rows * _gates * _hidden);
        _stateSums = _scratch.Floats((long)rows * _gates * _hidden);
        _hiddenNow = _scratch.Floats((long)rows * _hidden);
        _hiddenNext = _scratch.Floats((long)rows * _hidden);
        _cells = _scratch.Floats((long)rows * _hidden);
        _operand = _scratch.Operand(rows, widest);
    }
}
