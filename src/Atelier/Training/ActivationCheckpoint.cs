using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Stores the input of a block instead of its activations, and recomputes these in the backward pass with the same
/// random numbers (Chen et al. 2016, section 3). The gradients are the same as without checkpointing.
/// </summary>
internal sealed class ActivationCheckpoint : autograd.SingleTensorFunction<ActivationCheckpoint>
{
    private const string Block = "block", Random = "random";

    /// <inheritdoc/>
    public override string Name => nameof(ActivationCheckpoint);

    /// <summary>Computes a block.</summary>
    /// <param name="block">The block, a function of x and of parameters. The backward pass adds to the gradients of the
    /// parameters.</param>
    /// <param name="x">The input of the block.</param>
    /// <returns>The output of the block.</returns>
    public static Tensor Run(Func<Tensor, Tensor> block, Tensor x)
    {
        if (!is_grad_enabled())
            return block(x);
        // libtorch calls backward only if an argument needs a gradient, and the block's parameters are not arguments.
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
        using var scope = NewDisposeScope(); // disposes all activations but the result
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
            y.backward([grad_output]); // adds to the gradients of the parameters, as without checkpointing
        }
        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }

    /// <summary>
    /// The state of the random number generator of this thread: that of a replica, or of the tensor library.
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
                // TorchSharp cannot read the state of CUDA's generator, but can set its seed. The new seed is drawn on
                // the CPU, so that nothing waits for the device.
                using Tensor seed = randint(long.MaxValue, 1, ScalarType.Int64);
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

        /// <summary>
        /// Calls a function with the saved state of the generator, and restores the present state afterwards.
        /// </summary>
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
