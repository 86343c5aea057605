using System.Globalization;
using Atelier.Formats;
using Atelier.Tensors.Ranks;

namespace Atelier.Cli;

/// <summary>A failure on one rank, which ends the job.</summary>
/// <param name="failure">The failure.</param>
/// <param name="job">The job.</param>
internal sealed class RankFailure(Exception failure, RankJob job) : Exception(failure.Message, failure)
{
    /// <summary>The job.</summary>
    public RankJob Job => job;

    /// <summary>Returns the failure with the rank in its message, unless it is the first one.</summary>
    public Exception Named(Exception own)
    {
        if (job.Rank == 0 || own is OperationCanceledException)
            return own;
        string rank = string.Create(CultureInfo.InvariantCulture, $"rank {job.Rank}");
        if ((own as AtelierException ?? FileFault.Explain(own)) is not { } raw)
            return new InvalidOperationException($"{rank}: {own.Message}", own);
        AtelierException mistake = OptionNames.Write(raw);
        return new AtelierException($"{rank}: {mistake.Message}", mistake.Where, mistake.Hint, raw);
    }
}
