namespace Atelier.Cli.Tests;

public sealed class InterruptionTests
{
    [Fact]
    public void The_first_signal_is_answered_and_cancels_and_what_goes_on_all_the_same_is_ended_a_moment_later()
    {
        var happened = new List<string>();
        using var interruption = new Interruption(_ => happened.Add("said"),
            time => happened.Add($"waited {time.TotalSeconds}"), () => happened.Add("ended"));
        interruption.Token.Register(() => happened.Add("cancelled"));
        interruption.Receive();
        happened.ShouldBe(["said", "cancelled", "waited 2", "ended"]);
    }

    [Fact]
    public void The_second_signal_ends_at_once_even_where_something_is_kept()
    {
        int ended = 0;
        using var interruption = new Interruption(_ => { }, _ => { }, () => ended++);
        IDisposable keeping = interruption.Keep();
        interruption.Token.Register(() =>
        {
            interruption.Receive();
            ended.ShouldBe(1); // before anything was waited for
            keeping.Dispose();
        });
        interruption.Receive();
    }

    [Fact]
    public void What_keeps_something_is_given_its_time_and_a_moment_to_tell_of_it()
    {
        int waits = 0, ended = 0;
        IDisposable? keeping = null;
        using var interruption = new Interruption(_ => { }, _ =>
        {
            if (++waits == 5)
                keeping!.Dispose();
        }, () => ended = waits);
        keeping = interruption.Keep();
        interruption.Receive();
        ended.ShouldBe(6);
    }
}
