using System.Collections.Concurrent;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Kernels;

/// <summary>
/// The weights in bf16, which all copies of a model share: rounded once between two steps, each thread its share,
/// instead of at each use; by the optimizer as it moves them, where it can.
/// </summary>
internal sealed unsafe class RoundedWeights : IDisposable
{
    private readonly ConcurrentDictionary<nint, Entry> _known = [];
    private readonly ConcurrentDictionary<nint, Lazy<WeightPanels>> _panels = [];

    /// <summary>A weight in bf16, in the caller's dispose scope or held until the next batch.</summary>
    /// <param name="weight">fp32, in one piece.</param>
    public static Tensor Of(Tensor weight)
    {
        if (StepContext.Current.Weights is not { } shared || weight.device_type != DeviceType.CPU)
            return weight.to(ScalarType.BFloat16);
        return shared.Find(weight);
    }

    /// <summary>The operands of a layer's product in a precision; gradients flow through them.</summary>
    /// <param name="precision">The precision of the product; bf16 rounds all operands.</param>
    /// <param name="x">The input.</param>
    /// <param name="weight">The weight, fp32.</param>
    /// <param name="bias">The bias, fp32, or null.</param>
    public static (Tensor X, Tensor Weight, Tensor? Bias) Operands(Precision precision, Tensor x, Tensor weight,
        Tensor? bias) => precision == Precision.Bf16
        ? (x.to(ScalarType.BFloat16), Round(weight), bias is null ? null : Round(bias))
        : (x, weight, bias);

    /// <summary>
    /// A weight as our own products read it, held until the next batch, or by the answer where this thread shares none.
    /// </summary>
    /// <param name="weight">fp32, [outputs, inputs], in one piece.</param>
    public static PanelLease PanelsOf(Tensor weight)
    {
        if (StepContext.Current.Weights is not { } shared)
            return new PanelLease(new WeightPanels(weight), isOwn: true);
        return new PanelLease(shared._panels.GetOrAdd((nint)weight.Pointer<float>(), static (_, w) =>
            new Lazy<WeightPanels>(() => new WeightPanels(w)), weight).Value, isOwn: false);
    }

    /// <summary>Rounds what was asked for before anew, but for what was rounded as it was moved.</summary>
    /// <param name="team">Does it together.</param>
    public void Refresh(WorkerTeam team)
    {
        Entry[] stale = [.. _known.Values.Where(entry => !entry.IsFresh)];
        WeightPanels[] panels = [.. _panels.Values.Select(held => held.Value)];
        if (stale.Length + panels.Length == 0)
            return;
        team.Run(member =>
        {
            foreach (WeightPanels weight in panels)
                weight.Refresh(member, team.Size);
            foreach (Entry entry in stale)
            {
                long all = entry.Weight.numel(), registers = all / Bf16.Lanes;
                long from = registers * member / team.Size * Bf16.Lanes;
                long to = member == team.Size - 1 ? all : registers * (member + 1) / team.Size * Bf16.Lanes;
                Bf16.Round(entry.Weight.Pointer<float>() + from, entry.Rounded.Pointer<ushort>() + from, to - from);
            }
        });
    }

    /// <summary>Weights are about to be moved: none is known to be rounded after that.</summary>
    public void BeginMoving()
    {
        foreach (Entry entry in _known.Values)
            entry.BeginMoving();
    }

    /// <summary>Where a weight that is being moved is rounded to, or null where nobody asked for it in bf16.</summary>
    /// <param name="weight">Where it lies, fp32.</param>
    /// <param name="start">The first of the numbers that the caller rounds.</param>
    /// <param name="count">How many: when all of the weight are, it is not rounded again before the next batch.</param>
    public ushort* PlaceFor(float* weight, long start, long count)
    {
        if (!_known.TryGetValue((nint)weight, out Entry? entry))
            return null;
        entry.AddMoved(count);
        return entry.Rounded.Pointer<ushort>() + start;
    }

    /// <summary>A weight in bf16. Without gradients, that of a parameter, which keeps its memory, is shared.</summary>
    private static Tensor Round(Tensor weight) =>
        weight is Parameter && !is_grad_enabled() ? Of(weight) : weight.to(ScalarType.BFloat16);

    private Tensor Find(Tensor weight)
    {
        nint place = (nint)weight.Pointer<float>();
        if (_known.TryGetValue(place, out Entry? known))
            return known.Rounded;
        lock (_known)
        {
            using var noGradients = no_grad();
            return _known.GetOrAdd(place,
                static (_, w) =>
                    new Entry(w.alias().DetachFromDisposeScope(), w.to(ScalarType.BFloat16).DetachFromDisposeScope()),
                    weight).Rounded;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Entry entry in _known.Values)
        {
            entry.Weight.Dispose();
            entry.Rounded.Dispose();
        }
        foreach (Lazy<WeightPanels> held in _panels.Values)
            held.Value.Dispose();
    }

    /// <summary>A weight and its copy.</summary>
    private sealed class Entry(Tensor weight, Tensor rounded)
    {
        private readonly long _size = weight.numel();
        private long _moved; // numbers rounded as they were moved

        public Tensor Weight => weight;

        public Tensor Rounded => rounded;

        public bool IsFresh => Interlocked.Read(ref _moved) == _size;

        public void BeginMoving() => Interlocked.Exchange(ref _moved, 0);

        public void AddMoved(long count) => Interlocked.Add(ref _moved, count);
    }
}
