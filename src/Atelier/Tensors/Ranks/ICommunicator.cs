namespace Atelier.Tensors.Ranks;

/// <summary>
/// The processes (ranks) of a job that train one model together, and what they exchange. Every rank calls the same
/// functions in the same order, from one thread at a time; a call returns when the rank's own result is complete.
/// </summary>
internal interface ICommunicator
{
    /// <summary>The number of this process, from 0.</summary>
    int Rank { get; }

    /// <summary>The number of processes.</summary>
    int Size { get; }

    /// <summary>Replaces values by their sums over the ranks.</summary>
    void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<double> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<long> values);

    /// <summary>Replaces values by their maxima over the ranks.</summary>
    void Max(Span<long> values);

    /// <summary>Replaces bytes by those of a rank.</summary>
    /// <param name="bytes">The bytes; the same number on each rank.</param>
    /// <param name="root">The rank whose bytes the others receive.</param>
    void Broadcast(Span<byte> bytes, int root = 0);

    /// <summary>Returns the bytes of every rank, in the order of ranks. Their lengths may differ.</summary>
    byte[][] Gather(ReadOnlySpan<byte> bytes);

    /// <summary>Waits until every rank has called this function.</summary>
    void Barrier();

    /// <summary>Ends the processes of all ranks at once. Does not return.</summary>
    /// <param name="code">The exit code of the job.</param>
    void Abort(int code);
}
