using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// One call of a named operation, which is timed while a profiler records; otherwise it costs only one read of an empty
/// variable. Enclose work without gradients in a using block:
/// <code>using (TimedOperation.Begin("optimizer")) …</code>
/// A differentiable operation marks its input and its output, so that its backward pass is timed too:
/// <code>
/// TimedOperation timed = TimedOperation.Begin("linear", ref x);
/// return timed.End(Product(x, Weight));
/// </code>
/// Operations may be nested. Threads that a profiled thread starts are profiled too.
/// </summary>
internal readonly struct TimedOperation : IDisposable
{
    private readonly OperationCall? _call;

    private TimedOperation(OperationCall? call) => _call = call;

    /// <summary>Begins an operation on this thread; <see cref="Dispose"/> ends it.</summary>
    /// <param name="name">The name of the operation in reports, such as "optimizer".</param>
    public static TimedOperation Begin(string name) => new(OperationProfiler.Current?.Begin(name));

    /// <summary>Begins a differentiable operation on this thread; <see cref="End"/> ends it.</summary>
    /// <param name="name">The name of the operation in reports, such as "linear".</param>
    /// <param name="input">The input of the operation; of several inputs, the first used one that needs gradients.
    /// While a profiler records, it is replaced by an alias that records when the gradient has passed through the
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
    /// <param name="output">The output of the operation; of several outputs, the one that is used last.</param>
    /// <returns>
    /// The same tensor; while a profiler records, an alias that records when a gradient arrives.
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
