using Atelier.Tensors.Ranks;
using Atelier.Training.Distributed;

namespace Atelier.Tests.Training.Distributed;

public sealed class RankAgreementTests
{
    [Fact]
    public void Ranks_with_another_build_or_recipe_are_named()
    {
        Mistake(ranks => RankAgreement.Check(ranks, ranks.Rank == 2 ? "b" : "a", "seed: 1\n"))
            .ShouldBe("rank 2 runs another build of Atelier than rank 0");
        Mistake(ranks => RankAgreement.Check(ranks, "a", ranks.Rank == 1 ? "name: x\nseed: 9\n" : "name: x\nseed: 1\n"))
            .ShouldBe("rank 1 has another recipe than rank 0: 'seed: 9' instead of 'seed: 1'");
        Mistake(ranks => RankAgreement.Check(ranks, "a", "seed: 1\n")).ShouldBeNull();
    }

    [Fact]
    public void Ranks_with_other_data_or_none_are_named()
    {
        string[] folders =
            [.. Enumerable.Range(0, 3).Select(_ => Directory.CreateTempSubdirectory("atelier-test-").FullName)];
        try
        {
            foreach (string folder in folders)
                File.WriteAllText(Path.Combine(folder, "facts.json"), "{}");
            string? Check() => Mistake(ranks => RankAgreement.CheckData(ranks, folders[ranks.Rank]));
            Check().ShouldBeNull();
            File.WriteAllText(Path.Combine(folders[2], "train.bin"), "more");
            Check().ShouldBe("rank 2 sees other prepared data than rank 0");
            File.Delete(Path.Combine(folders[1], "facts.json"));
            Check().ShouldBe("rank 1 does not see the prepared data");
        }
        finally
        {
            foreach (string folder in folders)
                Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, "time", "time")]
    [InlineData("interrupted", "time", "interrupted")]
    [InlineData("steps", "steps", "steps")]
    public void All_ranks_stop_when_one_must(string? first, string? second, string? expected) =>
        ThreadRanks.Run(2, ranks => RankAgreement.StopReason(ranks, ranks.Rank == 0 ? first : second))
            .ShouldAllBe(reason => reason == expected);

    [Fact]
    public void Texts_and_decisions_are_those_of_the_first_rank()
    {
        ThreadRanks.Run(3, ranks => ranks.Broadcast(ranks.Rank == 0 ? "läuft" : "no")).ShouldAllBe(t => t == "läuft");
        ThreadRanks.Run(3, ranks => ranks.Decide(ranks.Rank != 0)).ShouldAllBe(decision => !decision);
        ThreadRanks.Run(3, ranks => ranks.Decide(ranks.Rank == 0)).ShouldAllBe(decision => decision);
    }

    private static string? Mistake(Action<ICommunicator> check)
    {
        string?[] messages = ThreadRanks.Run(3, ranks =>
        {
            try
            {
                check(ranks);
                return null;
            }
            catch (AtelierException e)
            {
                return e.Message;
            }
        });
        messages.Distinct().Count().ShouldBe(1, "every rank finds the mistake");
        return messages[0];
    }
}
