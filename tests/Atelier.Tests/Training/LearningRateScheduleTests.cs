using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warm_up_rises_in_a_straight_line_to_the_highest_rate()
    {
        foreach (ScheduleName name in Enum.GetValues<ScheduleName>().Where(n => n != ScheduleName.OneCycle))
        {
            LearningRateSchedule schedule = Make(new() { Name = name, WarmupSteps = 8 });
            for (int step = 1; step <= 8; step++)
                schedule.Rate(step).ShouldBe(2.0 * step / 8, 1e-12, name.ToString());
        }
    }

    [Fact]
    public void Cosine_halves_between_its_ends_at_the_middle_and_stays_low_past_the_end()
    {
        LearningRateSchedule schedule = Make(new() { Name = ScheduleName.Cosine, WarmupSteps = 20, FinalShare = 0.1 });
        schedule.Rate(60).ShouldBe(2 * (1 + 0.1) / 2, 1e-12);
        schedule.Rate(40).ShouldBe(2 * (0.1 + (0.9 * (1 + Math.Sqrt(0.5)) / 2)), 1e-12);
        schedule.Rate(100).ShouldBe(0.2, 1e-12);
        schedule.Rate(1000).ShouldBe(0.2, 1e-12);
    }

    [Fact]
    public void Linear_falls_by_the_same_amount_each_step()
    {
        LearningRateSchedule schedule = Make(new() { Name = ScheduleName.Linear, WarmupSteps = 0, FinalShare = 0 });
        for (int step = 1; step <= 100; step++)
            schedule.Rate(step).ShouldBe(2 * (100 - step) / 100.0, 1e-12);
    }

    [Fact]
    public void Inverse_square_root_halves_at_four_times_the_warm_up()
    {
        LearningRateSchedule schedule = Make(new() { Name = ScheduleName.InverseSquareRoot, WarmupSteps = 25 });
        schedule.Rate(100).ShouldBe(1, 1e-12);
        schedule.Rate(400).ShouldBe(0.5, 1e-12);
    }

    [Fact]
    public void One_cycle_peaks_once_and_ends_at_its_final_share()
    {
        LearningRateSchedule schedule =
            Make(new() { Name = ScheduleName.OneCycle, WarmupSteps = 30, FinalShare = 0.01 });
        double[] rates = [.. Enumerable.Range(1, 100).Select(step => schedule.Rate(step))];
        rates.Max().ShouldBe(2, 1e-12);
        Array.IndexOf(rates, rates.Max()).ShouldBe(29);
        rates[14].ShouldBe(2 * (1 + (1 / 25.0)) / 2, 1e-12); // half way up
        rates[64].ShouldBe(2 * (1 + 0.01) / 2, 1e-12); // half way down
        rates[99].ShouldBe(0.02, 1e-12);
    }

    [Fact]
    public void Constant_stays_and_decay_steps_go_before_the_length_of_the_run()
    {
        Make(new() { Name = ScheduleName.Constant, WarmupSteps = 0 }).Rate(12345).ShouldBe(2);
        Make(new() { Name = ScheduleName.Linear, WarmupSteps = 0, FinalShare = 0, DecaySteps = 10 }).Rate(5)
            .ShouldBe(1, 1e-12);
    }

    [Fact]
    public void A_shape_that_needs_a_length_says_so_where_there_is_none()
    {
        var e = Should.Throw<AtelierException>(() =>
            new LearningRateSchedule(new() { Name = ScheduleName.Cosine }, 1, null));
        e.ToLine().ShouldContain("decaySteps");
    }

    private static LearningRateSchedule Make(ScheduleSection section) => new(section, 2, 100);
}
