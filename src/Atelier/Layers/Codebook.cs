using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The codes of discrete latents. A code is a moving average of the vectors that it was nearest to (van den Oord et al.
/// 2017, eqs. 6 to 8). A code that is hardly ever the nearest one is moved to a vector of the batch; so is every code
/// at first.
/// </summary>
internal sealed class Codebook : nn.Module
{
    private const double Dead = 0.02; // of an equal share of the vectors
    private readonly double _decay;
    private readonly List<Codebook> _all; // this codebook and those of replicas, which share the codes
    private Tensor? _noted; // the vectors of the step, [vectors, size]

    public Codebook(int codes, int size, double decay)
        : base(nameof(Codebook))
    {
        _decay = decay;
        _all = [this];
        register_buffer("codes", zeros(codes, size));
        register_buffer("counts", zeros(codes));
        register_buffer("sums", zeros(codes, size));
    }

    /// <summary>The codes, [codes, size].</summary>
    public Tensor Codes => get_buffer("codes")!;

    /// <summary>The moving average of how many vectors each code was nearest to in a batch, [codes].</summary>
    public Tensor Counts => get_buffer("counts")!;

    /// <summary>Whether the codes have not followed any vectors yet.</summary>
    public bool IsNew => Counts.max().Number() == 0;

    private Tensor Sums => get_buffer("sums")!;

    /// <summary>The nearest code of each vector (van den Oord et al. 2017, eq. 1), [vectors], int64.</summary>
    /// <param name="vectors">[vectors, size], fp32.</param>
    public Tensor Nearest(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        // |v − c|² without |v|², which is the same for all codes.
        Tensor distance = Codes.Squared().sum([1]).sub(vectors.matmul(Codes.t()).Times(2));
        return distance.argmin(1).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the codes towards the vectors of a batch; called in training, before codes are chosen.</summary>
    /// <param name="vectors">[vectors, size], fp32.</param>
    /// <param name="random">Chooses vectors for dead codes; null for the generator of the training step.</param>
    public void Update(Tensor vectors, Generator? random = null)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        vectors = vectors.detach();
        long codes = Codes.shape[0];
        Tensor nearest = Nearest(vectors);
        Tensor counts = zeros_like(Counts)
            .index_add_(0, nearest, ones([nearest.shape[0]], device: vectors.device), KeptScalars.One);
        Tensor sums = zeros_like(Sums).index_add_(0, nearest, vectors, KeptScalars.One);
        Counts.copy_(Counts.Times(_decay).Plus(counts.Times(1 - _decay)));
        Sums.copy_(Sums.Times(_decay).Plus(sums.Times(1 - _decay)));
        Tensor dead = Counts.Below(Dead * vectors.shape[0] / codes).nonzero().flatten();
        if (dead.numel() > 0)
            Revive(dead, vectors, random);
        Codes.copy_(Sums.div(Counts.unsqueeze(1)));
    }

    /// <summary>Lets <see cref="Follow"/> use the vectors that the codebook of a replica notes as well.</summary>
    public void Join(Codebook replica) => _all.Add(replica);

    /// <summary>Notes vectors of a training step, for <see cref="Follow"/> after the step.</summary>
    /// <param name="vectors">[vectors, size], fp32.</param>
    public void Note(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        using Tensor? before = _noted;
        Tensor added = vectors.detach();
        _noted = (before is null ? added.clone() : cat([before, added], 0)).DetachFromDisposeScope();
    }

    /// <summary>Moves the codes towards all vectors that this codebook and its replicas noted, and forgets
    /// them.</summary>
    /// <param name="random">As in <see cref="Update"/>.</param>
    public void Follow(Generator? random = null)
    {
        using Tensor? vectors = TakeNotes();
        if (vectors is not null)
            Update(vectors, random);
    }

    /// <summary>Returns the vectors that this codebook and its replicas noted, and forgets them; null if there are
    /// none.</summary>
    public Tensor? TakeNotes()
    {
        Tensor[] noted = [.. _all.Select(book => book._noted).OfType<Tensor>()];
        Tensor? all = noted.Length == 0 ? null : cat(noted, 0);
        foreach (Codebook book in _all)
            book.Forget();
        return all;
    }

    /// <summary>Forgets the vectors that were noted.</summary>
    public void Forget()
    {
        _noted?.Dispose();
        _noted = null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Forget();
        base.Dispose(disposing);
    }

    /// <summary>
    /// Moves dead codes to vectors of the batch, each with the count of an equal share, so that it is not dead again at
    /// once.
    /// </summary>
    private void Revive(Tensor dead, Tensor vectors, Generator? random)
    {
        double share = (double)vectors.shape[0] / Codes.shape[0];
        Tensor places = empty([dead.numel()], device: vectors.device).FillUniform(0, 1, random).Times(vectors.shape[0])
            .to(ScalarType.Int64).Clamped(0, vectors.shape[0] - 1);
        Counts.index_copy_(0, dead, KeptScalars.Full([dead.numel()], share, Counts.dtype, Counts.device));
        Sums.index_copy_(0, dead, vectors.index_select(0, places).Times(share));
    }
}
