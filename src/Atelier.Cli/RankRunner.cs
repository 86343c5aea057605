using Atelier.Tensors.Ranks;

namespace Atelier.Cli;

/// <summary>Runs a command as one rank of a job that a launcher of MPI started.</summary>
internal static class RankRunner
{
    // After an interruption, ranks reach the end of a step together; one that waits longer has lost another rank.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2), BetweenLooks = TimeSpan.FromSeconds(0.25);

    /// <summary>Joins the job and runs the command.</summary>
    /// <param name="console">The console; ranks other than the first write errors only.</param>
    /// <param name="run">The command.</param>
    /// <param name="cancellation">Interrupts the command.</param>
    /// <exception cref="RankFailure">The command failed on this rank, and on no earlier one.</exception>
    public static async Task<int> RunAsync(ToolConsole console, Func<ToolConsole, RankJob, Task<int>> run,
        CancellationToken cancellation)
    {
        RankJob job = RankJob.Join()!; // left only without a failure: another one is to end all ranks
        if (Environment.GetEnvironmentVariable(RankOutput.Variable) is not null)
            console.Error.WriteLine(RankOutput.Greeting(job.Rank));
        // Nothing can be cancelled inside MPI, where a rank waits for another.
        using var watch = new Timer(_ =>
        {
            if (cancellation.IsCancellationRequested && job.Waiting > LongestWait)
                ProcessEnd.Now(Interruption.ExitCode);
        }, null, BetweenLooks, BetweenLooks);
        ToolConsole shown = job.Rank == 0 ? console
            : console with { Out = TextWriter.Null, Quiet = true, Json = false };
        try
        {
            int code = await run(shown, job).ConfigureAwait(false);
            job.Dispose();
            return code;
        }
        catch (Exception e)
        {
            if (cancellation.WaitHandle.WaitOne(job.Turn) && job.Rank > 0)
                ProcessEnd.Now(Interruption.ExitCode); // another rank has ended the job
            throw new RankFailure(e, job);
        }
    }
}
