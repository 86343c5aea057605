using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// One call of a named operation, timed while a profile is being taken; otherwise this costs one read of an empty
/// variable. Work without gradients stands in a using block:
/// <code>using (TimedOperation.Begin("optimizer")) …</code>
/// A differentiable operator marks its input and its output, so that its backward pass is timed too:
/// <code>
/// TimedOperation timed = TimedOperation.Begin("linear", ref x);
/// return timed.End(Product(x, Weight));
/// </code>
/// Operations nest. The threads that a profiled one starts are profiled too.
/// </summary>
internal readonly struct TimedOperation : IDisposable
{
    private readonly OperationCall? _call;

    private TimedOperation(OperationCall? call) => _call = call;

    /// <summary>Begins an operation on this thread, which its disposal ends.</summary>
    /// <param name="name">As the table is to show it: "optimizer".</param>
    public static TimedOperation Begin(string name) => new(OperationProfiler.Current?.Begin(name));

    /// <summary>Begins a differentiable operation on this thread, which <see cref="End"/> ends.</summary>
    /// <param name="name">As the table is to show it: "linear".</param>
    /// <param name="input">The operation's input; of several inputs the one that needs gradients and is used first.
    /// While a profile is being taken it becomes an alias that records when the gradient has passed through the
    /// operation.</param>
    public static TimedOperation Begin(string name, ref Tensor input)
    {
        if (OperationProfiler.Current is not { } profiler)
            return default;
        OperationCall call = profiler.Begin(name);
        input = OperationMark.Apply(input, call.EndBackward);
        return new TimedOperation(call);
    }

    /// <summary>Ends the forward pass of a differentiable operation.</summary>
    /// <param name="output">What it computed, of several outputs the one that is used last.</param>
    /// <returns>
    /// The same tensor; while a profile is being taken, an alias that records when a gradient arrives.
    /// </returns>
    public Tensor End(Tensor output)
    {
        if (_call is null)
            return output;
        Tensor marked = OperationMark.Apply(output, _call.BeginBackward);
        _call.End();
        return marked;
    }

    /// <inheritdoc/>
    public void Dispose() => _call?.End();
}
