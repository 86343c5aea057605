using Atelier.Kernels;

namespace Atelier.Tests.Kernels;

public sealed class WorkerTeamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_team_that_is_disposed_before_its_threads_have_begun_ends()
    {
        int begun = 0;
        Task ending = Task.Run(() => new WorkerTeam(3, () =>
        {
            Thread.Sleep(50);
            Interlocked.Increment(ref begun);
        }).Dispose());
        await ending.WaitAsync(Patience, TestContext.Current.CancellationToken);
        begun.ShouldBe(2);
    }

    [Fact]
    public async Task A_team_that_is_disposed_right_after_a_round_ends()
    {
        int done = 0;
        Task ending = Task.Run(() =>
        {
            for (int i = 0; i < 300; i++)
            {
                using var team = new WorkerTeam(2, () => { });
                team.Run(_ => Interlocked.Increment(ref done));
            }
        });
        await ending.WaitAsync(Patience, TestContext.Current.CancellationToken);
        done.ShouldBe(600);
    }
}
