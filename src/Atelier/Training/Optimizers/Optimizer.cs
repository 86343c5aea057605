using Atelier.Recipes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training.Optimizers;

/// <summary>
/// Moves parameters against their gradients. Each rule is a few list operations in TorchScript, one native call for all
/// parameters of a group: the managed optimizers of TorchSharp take one call a parameter and operation.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly List<Slot> _slots = [];
    private readonly (string Name, Parameter Parameter)[] _parameters;

    /// <summary>Sets up the groups.</summary>
    /// <param name="parameters">What it moves, with the names its state is kept under.</param>
    /// <param name="section">The rule's figures.</param>
    protected Optimizer(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section)
    {
        Section = section;
        // Matrices decay; biases and the gains of norms do not. The order is kept within each group.
        _parameters = [.. parameters.OrderBy(p => p.Parameter.dim() < 2)];
        int matrices = _parameters.Count(p => p.Parameter.dim() >= 2);
        Group[] groups = [MakeGroup(0..matrices, section.WeightDecay), MakeGroup(matrices.._parameters.Length, 0)];
        Groups = [.. groups.Where(group => group.Parameters.Length > 0)];
    }

    /// <summary>The rule's figures.</summary>
    protected OptimizerSection Section { get; }

    /// <summary>The parameters, those that decay first; gradients are given in this order.</summary>
    public IEnumerable<Parameter> Parameters => _parameters.Select(p => p.Parameter);

    /// <summary>The groups that one native call moves.</summary>
    private protected IReadOnlyList<Group> Groups { get; }

    /// <summary>Moves every parameter one step.</summary>
    /// <param name="gradients">One for each of <see cref="Parameters"/>, in that order; may be overwritten.</param>
    /// <param name="learningRate">How far.</param>
    public void Step(ReadOnlySpan<Tensor> gradients, double learningRate)
    {
        using var noGradients = no_grad();
        foreach (Group group in Groups)
            Move(group, gradients[group.Range].ToArray(), learningRate);
    }

    /// <summary>The state by name ("weight.exp_avg"); the tensors themselves, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new Dictionary<string, Tensor>();
        foreach (Slot slot in _slots)
        {
            for (int i = 0; i < slot.Tensors.Length; i++)
                state.Add($"{_parameters[i].Name}.{slot.Name}", slot.Tensors[i]);
        }
        return state;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _slots.SelectMany(slot => slot.Tensors))
            tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The optimizer that a recipe names.</summary>
    /// <param name="section">The rule and its figures.</param>
    /// <param name="parameters">What it moves, with the names its state is kept under.</param>
    public static Optimizer Create(OptimizerSection section, IEnumerable<(string Name, Parameter Parameter)> parameters) => section.Name switch
    {
        OptimizerName.Adam => new Adam(parameters, section, decoupled: false),
        OptimizerName.Sgd or OptimizerName.FullBatch => new Sgd(parameters, section),
        OptimizerName.RmsProp => new RmsProp(parameters, section),
        OptimizerName.Adagrad => new Adagrad(parameters, section),
        OptimizerName.Lion => new Lion(parameters, section),
        _ => new Adam(parameters, section, decoupled: true),
    };

    /// <summary>Adds the decay to the gradient: the gradient of decay/2 times the squared weights.</summary>
    private protected static void AddDecay(Group group, Tensor[] gradients)
    {
        if (group.WeightDecay > 0)
            TensorScripts.Run("decay", group.Parameters, gradients, group.WeightDecay);
    }

    /// <summary>Moves one group; called without gradients being recorded.</summary>
    private protected abstract void Move(Group group, Tensor[] gradients, double learningRate);

    /// <summary>Makes a state of zeros like the parameters, one tensor each.</summary>
    private protected Slot AddSlot(string name) =>
        AddSlot(name, parameter => zeros_like(parameter, requires_grad: false));

    /// <summary>Makes a state, one tensor for each parameter.</summary>
    private protected Slot AddSlot(string name, Func<Parameter, Tensor> create)
    {
        using var noGradients = no_grad();
        var slot = new Slot(name, [.. _parameters.Select(p => create(p.Parameter).DetachFromDisposeScope())]);
        _slots.Add(slot);
        return slot;
    }

    private Group MakeGroup(Range range, double weightDecay) =>
        new(range, weightDecay, [.. _parameters[range].Select(p => p.Parameter)]);

    /// <summary>Parameters that one native call moves.</summary>
    /// <param name="Range">Their places among all.</param>
    /// <param name="WeightDecay">Their decay.</param>
    /// <param name="Parameters">They themselves.</param>
    private protected sealed record Group(Range Range, double WeightDecay, Tensor[] Parameters);

    /// <summary>One kind of state, a tensor for each parameter.</summary>
    private protected sealed record Slot(string Name, Tensor[] Tensors)
    {
        /// <summary>Those of a group.</summary>
        public Tensor[] Of(Group group) => Tensors[group.Range];
    }
}
