using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Computes the equations of a recurrent cell for a range of units of one sequence.</summary>
/// <param name="name">The kind of cell.</param>
/// <param name="path">The kernels.</param>
/// <param name="hiddenSize">Number of units in a layer.</param>
internal sealed unsafe class RecurrentCell(CellName name, KernelPath path, int hiddenSize)
{
    /// <summary>Computes the hidden state after one token.</summary>
    /// <param name="input">W x + b, beginning at the first unit, with the gates hiddenSize apart; overwritten.</param>
    /// <param name="state">U h + c in the same layout; overwritten.</param>
    /// <param name="count">Number of units.</param>
    /// <param name="cell">[count]: the cell state of an LSTM, updated.</param>
    /// <param name="before">[count]: the hidden state before the token.</param>
    /// <param name="after">[count]: filled with the hidden state after the token.</param>
    public void Step(float* input, float* state, int count, float* cell, float* before, float* after)
    {
        switch (name)
        {
            case CellName.Lstm:
                Lstm(input, state, count, cell, after);
                break;
            case CellName.Gru:
                Gru(input, state, count, before, after);
                break;
            default:
                path.Add(state, count, input);
                path.Tanh(count, input);
                new ReadOnlySpan<float>(input, count).CopyTo(new Span<float>(after, count));
                break;
        }
    }

    // i, f, o = σ, g = tanh; c' = f c + i g; h' = o tanh(c') (Gers et al. 2000).
    private void Lstm(float* input, float* state, int count, float* cell, float* after)
    {
        for (int gate = 0; gate < 4; gate++)
        {
            path.Add(state + (gate * hiddenSize), count, input + (gate * hiddenSize));
            if (gate == 2)
                path.Tanh(count, input + (gate * hiddenSize));
            else
                path.Sigmoid(count, input + (gate * hiddenSize));
        }
        for (int j = 0; j < count; j++)
            after[j] = cell[j] = (input[hiddenSize + j] * cell[j]) + (input[j] * input[(2 * hiddenSize) + j]);
        path.Tanh(count, after);
        for (int j = 0; j < count; j++)
            after[j] *= input[(3 * hiddenSize) + j];
    }

    // r, z = σ; n = tanh(W x + b + r (U h + c)); h' = (1 − z) n + z h (Cho et al. 2014, reset after the product).
    private void Gru(float* input, float* state, int count, float* before, float* after)
    {
        float* reset = input, update = input + hiddenSize, candidate = input + (2 * hiddenSize);
        path.Add(state, count, reset);
        path.Sigmoid(count, reset);
        path.Add(state + hiddenSize, count, update);
        path.Sigmoid(count, update);
        for (int j = 0; j < count; j++)
            candidate[j] += reset[j] * state[(2 * hiddenSize) + j];
        path.Tanh(count, candidate);
        for (int j = 0; j < count; j++)
            after[j] = candidate[j] + (update[j] * (before[j] - candidate[j]));
    }
}
