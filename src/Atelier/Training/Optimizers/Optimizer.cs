using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training.Optimizers;

/// <summary>
/// Moves parameters against their gradients. Each rule is a few list operations in TorchScript, one native call for all
/// parameters of a group: the managed optimizers of TorchSharp take one call a parameter and operation. All numbers are
/// shared out evenly among shards, which threads move side by side; state and result do not depend on how many there
/// are.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly List<Slot> _slots = [];
    private readonly (string Name, Parameter Parameter)[] _parameters;
    private readonly Func<string, double> _rateFactor;
    private readonly bool _wholeParameters;

    /// <summary>Sets up the groups.</summary>
    /// <param name="parameters">What it moves, with the names its state is kept under.</param>
    /// <param name="section">The rule's figures.</param>
    /// <param name="shards">How many; at least 1.</param>
    /// <param name="rateFactor">Returns the factor of a parameter's learning rate by its name; null for 1.</param>
    /// <param name="wholeParameters">Whether a shard has whole parameters, for rules that look at rows and
    /// columns.</param>
    protected Optimizer(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section,
        int shards, Func<string, double>? rateFactor, bool wholeParameters = false)
    {
        Section = section;
        _wholeParameters = wholeParameters;
        _rateFactor = rateFactor ?? (_ => 1);
        // Matrices decay; biases and the gains of norms do not. The order is kept within each group.
        _parameters = [.. parameters.OrderBy(p => p.Parameter.dim() < 2).ThenBy(p => _rateFactor(p.Name))];
        Range[] ranges = [.. Ranges()];
        long total = _parameters.Sum(p => p.Parameter.numel());
        Shards = [.. Enumerable.Range(0, shards).Select(shard =>
        {
            (long from, long to) = (total * shard / shards, total * (shard + 1) / shards);
            IEnumerable<Group> groups = ranges.Select(range => MakeGroup(range, from, to));
            return (IReadOnlyList<Group>)[.. groups.Where(group => group.Pieces.Count > 0)];
        })];
    }

    /// <summary>The rule's figures.</summary>
    protected OptimizerSection Section { get; }

    /// <summary>The parameters, those that decay first; gradients are given in this order.</summary>
    public IEnumerable<Parameter> Parameters => _parameters.Select(p => p.Parameter);

    /// <summary>How many threads may move it side by side.</summary>
    public int ShardCount => Shards.Count;

    /// <summary>The weights in bf16, which are rounded as they are moved where the rule can; or null.</summary>
    internal RoundedWeights? Rounded { get; set; }

    /// <summary>The groups that one native call moves, by shard.</summary>
    private protected IReadOnlyList<IReadOnlyList<Group>> Shards { get; }

    /// <summary>Moves every parameter one step.</summary>
    /// <param name="gradients">One for each of <see cref="Parameters"/>, in that order; may be overwritten.</param>
    /// <param name="learningRate">How far.</param>
    public void Step(IReadOnlyList<Tensor> gradients, double learningRate)
    {
        Begin();
        for (int shard = 0; shard < Shards.Count; shard++)
            Move(shard, CutFor(shard, gradients), learningRate);
    }

    /// <summary>Begins a step; once before its shards are moved.</summary>
    public virtual void Begin() => Rounded?.BeginMoving();

    /// <summary>
    /// A shard's pieces of gradients, in the order that <see cref="Move(int, Tensor[], double, Tensor)"/> takes them;
    /// in the caller's dispose scope.
    /// </summary>
    /// <param name="shard">From 0.</param>
    /// <param name="gradients">One for each of <see cref="Parameters"/>, in that order.</param>
    public Tensor[] CutFor(int shard, IReadOnlyList<Tensor> gradients)
    {
        using var noGradients = no_grad();
        return [.. Shards[shard].SelectMany(group => group.Cut(gradients))];
    }

    /// <summary>Moves a shard one step; each shard may be moved by another thread.</summary>
    /// <param name="shard">From 0.</param>
    /// <param name="gradients">Its pieces, from <see cref="CutFor"/>; may be overwritten.</param>
    /// <param name="learningRate">How far.</param>
    /// <param name="factor">A scalar in fp32 that the gradients are multiplied by first, or null.</param>
    public void Move(int shard, Tensor[] gradients, double learningRate, Tensor? factor = null)
    {
        using var noGradients = no_grad();
        int at = 0;
        foreach (Group group in Shards[shard])
        {
            Move(group, gradients[at..(at + group.Pieces.Count)], learningRate * group.RateFactor, factor);
            at += group.Pieces.Count;
        }
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
        foreach (Group group in Shards.SelectMany(shard => shard))
            group.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The optimizer that a recipe names.</summary>
    /// <param name="section">The rule and its figures.</param>
    /// <param name="parameters">What it moves, with the names its state is kept under.</param>
    /// <param name="shards">Threads that may move it side by side; at least 1.</param>
    /// <param name="rateFactor">Returns the factor of a parameter's learning rate by its name; null for 1.</param>
    public static Optimizer Create(
        OptimizerSection section, IEnumerable<(string Name, Parameter Parameter)> parameters, int shards = 1,
        Func<string, double>? rateFactor = null) =>
            section.Name switch
    {
        OptimizerName.Adam => new Adam(parameters, section, shards, rateFactor, decoupled: false),
        OptimizerName.Sgd or OptimizerName.FullBatch => new Sgd(parameters, section, shards, rateFactor),
        OptimizerName.RmsProp => new RmsProp(parameters, section, shards, rateFactor),
        OptimizerName.Adagrad => new Adagrad(parameters, section, shards, rateFactor),
        OptimizerName.Lion => new Lion(parameters, section, shards, rateFactor),
        OptimizerName.Adafactor => new Adafactor(parameters, section, shards, rateFactor),
        _ => new Adam(parameters, section, shards, rateFactor, decoupled: true),
    };

    /// <summary>Adds the decay to the gradient: the gradient of decay/2 times the squared weights.</summary>
    private protected static void AddDecay(Group group, Tensor[] gradients)
    {
        if (group.WeightDecay > 0)
            TensorScripts.Run("decay", group.Parameters, gradients, group.WeightDecay);
    }

    /// <summary>Subtracts the gradients, or their moving sums if there is momentum, times the learning rate.</summary>
    private protected void Descend(Group group, Tensor[] gradients, Slot? momentum, double learningRate)
    {
        if (momentum is null)
            TensorScripts.Run("sgd", group.Parameters, gradients, learningRate);
        else
            TensorScripts.Run("momentum", group.Parameters, gradients, momentum.Of(group), Section.Momentum,
                Section.Nesterov, learningRate);
    }

    /// <summary>Scales the gradients and moves one group; a rule that does both in one pass does it here.</summary>
    private protected virtual void Move(Group group, Tensor[] gradients, double learningRate, Tensor? factor)
    {
        if (factor is not null)
            TensorScripts.Run("scale", gradients, factor);
        Move(group, gradients, learningRate);
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
        Tensor[] tensors = [.. _parameters.Select(p => create(p.Parameter).DetachFromDisposeScope())];
        var pieces = Shards.SelectMany(shard => shard).ToDictionary(group => group, group => group.Keep(tensors));
        var slot = new Slot(name, tensors, pieces);
        _slots.Add(slot);
        return slot;
    }

    /// <summary>The ranges of parameters that decay alike and have the same learning rate.</summary>
    private IEnumerable<Range> Ranges()
    {
        for (int start = 0, end; start < _parameters.Length; start = end)
        {
            (bool, double) kind = KindOf(start);
            for (end = start + 1; end < _parameters.Length && KindOf(end) == kind; end++)
            {
            }
            yield return start..end;
        }

        (bool IsMatrix, double RateFactor) KindOf(int place) =>
            (_parameters[place].Parameter.dim() >= 2, _rateFactor(_parameters[place].Name));
    }

    /// <summary>
    /// The pieces of some parameters that lie between two places, where all parameters stand one after another.
    /// </summary>
    private Group MakeGroup(Range range, long from, long to)
    {
        (string name, Parameter first) = _parameters[range.Start];
        double weightDecay = first.dim() >= 2 ? Section.WeightDecay : 0;
        var pieces = new List<Piece>();
        long start = _parameters[..range.Start.Value].Sum(p => p.Parameter.numel());
        for (int i = range.Start.Value; i < range.End.Value; i++)
        {
            long length = _parameters[i].Parameter.numel(), begin = Math.Max(from, start),
                end = Math.Min(to, start + length);
            if (_wholeParameters) // the shard of its middle has all of it
            {
                long middle = start + (length / 2);
                (begin, end) = from <= middle && middle < to ? (start, start + length) : (start, start);
            }
            if (begin < end)
                pieces.Add(new Piece(i, begin - start, end - begin, end - begin == length));
            start += length;
        }
        return new Group(weightDecay, _rateFactor(name), pieces, [.. _parameters.Select(p => (Tensor)p.Parameter)]);
    }

    /// <summary>Some numbers of a parameter.</summary>
    /// <param name="Parameter">Its place among all.</param>
    /// <param name="Start">The first number.</param>
    /// <param name="Length">How many.</param>
    /// <param name="IsWhole">Whether these are all.</param>
    private protected sealed record Piece(int Parameter, long Start, long Length, bool IsWhole);

    /// <summary>Pieces of parameters that one native call moves.</summary>
    private protected sealed class Group : IDisposable
    {
        private readonly List<Tensor> _views = []; // that it made and holds

        /// <summary>Makes the group over the parameters, all of the optimizer's.</summary>
        public Group(double weightDecay, double rateFactor, IReadOnlyList<Piece> pieces,
            IReadOnlyList<Tensor> parameters)
        {
            (WeightDecay, RateFactor, Pieces) = (weightDecay, rateFactor, pieces);
            Parameters = Keep(parameters);
        }

        /// <summary>Their decay.</summary>
        public double WeightDecay { get; }

        /// <summary>The factor of their learning rate.</summary>
        public double RateFactor { get; }

        /// <summary>Where they lie.</summary>
        public IReadOnlyList<Piece> Pieces { get; }

        /// <summary>They themselves.</summary>
        public Tensor[] Parameters { get; }

        /// <summary>These pieces of tensors like the parameters, one each; of scalars, one each, the scalars.</summary>
        public Tensor[] Cut(IReadOnlyList<Tensor> wholes) => [.. Pieces.Select(piece => wholes[piece.Parameter] switch
        {
            { } whole when piece.IsWhole || whole.dim() == 0 => whole,
            { } whole => whole.detach().reshape(-1).narrow(0, piece.Start, piece.Length),
        })];

        /// <summary>The same, held until the group is disposed.</summary>
        public Tensor[] Keep(IReadOnlyList<Tensor> wholes)
        {
            if (wholes.FirstOrDefault(whole => !whole.is_contiguous()) is { } scattered)
                throw new InvalidOperationException(
                    $"a parameter of shape [{string.Join(", ", scattered.shape)}] does not lie in one piece");
            using var scope = NewDisposeScope();
            Tensor[] pieces = Cut(wholes);
            for (int i = 0; i < pieces.Length; i++)
            {
                if (!ReferenceEquals(pieces[i], wholes[Pieces[i].Parameter]))
                    _views.Add(pieces[i].DetachFromDisposeScope());
            }
            return pieces;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            foreach (Tensor view in _views)
                view.Dispose();
        }
    }

    /// <summary>One kind of state, a tensor for each parameter.</summary>
    private protected sealed record Slot(string Name, Tensor[] Tensors, IReadOnlyDictionary<Group, Tensor[]> Pieces)
    {
        /// <summary>Those of a group.</summary>
        public Tensor[] Of(Group group) => Pieces[group];
    }
}
