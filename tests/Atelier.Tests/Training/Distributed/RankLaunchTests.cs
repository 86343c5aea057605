using Atelier.Tensors.Ranks;

namespace Atelier.Tests.Training.Distributed;

public sealed class RankLaunchTests
{
    [Fact]
    public void The_environment_of_each_launcher_says_the_rank_and_the_kind_of_MPI()
    {
        Read(("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")).ShouldBe(new(1, 4, MpiKind.OpenMpi));
        Read(("PMI_RANK", "0"), ("PMI_SIZE", "2")).ShouldBe(new(0, 2, MpiKind.Mpich));
        Read(("PMIX_RANK", "3"), ("SLURM_STEP_NUM_TASKS", "8")).ShouldBe(new(3, 8, null));
        Read().ShouldBeNull();
        Read(("PMI_RANK", "2"), ("PMI_SIZE", "2")).ShouldBeNull();
        Read(("PMI_RANK", "x"), ("PMI_SIZE", "2")).ShouldBeNull();
    }

    private static RankLaunch? Read(params (string Name, string Value)[] variables) =>
        RankLaunch.Read(name => variables.FirstOrDefault(v => v.Name == name).Value);
}
