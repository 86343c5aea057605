using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Stores a block's input instead of its activations, and recomputes them in the backward pass, with the same random
/// numbers (Chen et al. 2016, section 3). Gradients equal those of the usual path.
/// </summary>
internal sealed class ActivationCheckpoint : autograd.SingleTensorFunction<ActivationCheckpoint>
{
    private const string Block = "block", Random = "random";

    /// <inheritdoc/>
    public override string Name => nameof(ActivationCheckpoint);

    /// <summary>What the block makes of x.</summary>
    /// <param name="block">Computes from x and from parameters, whose gradients come about when its own does.</param>
    /// <param name="x">Its input.</param>
    public static Tensor Run(Func<Tensor, Tensor> block, Tensor x)
    {
        if (!is_grad_enabled())
            return block(x);
        // libtorch goes back only to what needs gradients, and the block's parameters are not among the arguments.
        return apply(x.requires_grad ? x : x.detach().requires_grad_(true), block);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var block = (Func<Tensor, Tensor>)vars[1];
        ctx.save_for_backward([(Tensor)vars[0]]);
        ctx.save_data(Block, block);
        ctx.save_data(Random, new RandomState(((Tensor)vars[0]).device_type));
        using var noGradients = no_grad();
        using var scope = NewDisposeScope(); // all but the result is gone here, which is the point
        return block((Tensor)vars[0]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using TimedOperation timed = TimedOperation.Begin("recompute activations");
        using var scope = NewDisposeScope();
        var block = (Func<Tensor, Tensor>)ctx.get_data(Block);
        var random = (RandomState)ctx.get_data(Random);
        Tensor x = ctx.get_saved_variables()[0].detach().requires_grad_(true);
        using (enable_grad())
        {
            Tensor y = random.Replay(() => block(x));
            y.backward([grad_output]); // adds to the parameters' gradients, as the plain path would
        }
        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }

    /// <summary>
    /// The random numbers that are about to be drawn on this thread: a replica's own, or the tensor library's.
    /// </summary>
    private sealed class RandomState
    {
        private readonly Generator? _own = StepContext.Current.Random?.Generator;
        private readonly Tensor _state;
        private readonly long? _cuda;

        public RandomState(DeviceType device)
        {
            if (device == DeviceType.CUDA)
            {
                // TorchSharp does not tell the state of CUDA's generator, but sets its seed: one that the CPU's draws.
                using Tensor seed = randint(long.MaxValue, 1, ScalarType.Int64); // on the CPU: nobody waits for it
                _cuda = seed.item<long>();
                cuda.manual_seed_all(_cuda.Value);
            }
            _state = State.DetachFromDisposeScope();
        }

        private Tensor State
        {
            get => _own?.get_state() ?? random.get_rng_state();
            set
            {
                if (_own is null)
                    random.set_rng_state(value);
                else
                    _own.set_state(value);
            }
        }

        /// <summary>Replays the same random numbers, and restores the generator afterwards.</summary>
        public T Replay<T>(Func<T> draw)
        {
            using Tensor now = State;
            State = _state;
            if (_cuda is { } seed)
                cuda.manual_seed_all(seed);
            try
            {
                return draw();
            }
            finally
            {
                State = now;
                _state.Dispose();
            }
        }
    }
}
