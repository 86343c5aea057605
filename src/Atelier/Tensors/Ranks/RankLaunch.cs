using System.Globalization;

namespace Atelier.Tensors.Ranks;

/// <summary>What the launcher of an MPI job says about this process in its environment.</summary>
/// <param name="Rank">The number of the process.</param>
/// <param name="Size">The number of processes.</param>
/// <param name="Kind">The kind of MPI that the launcher belongs to; null if it serves several.</param>
internal sealed record RankLaunch(int Rank, int Size, MpiKind? Kind)
{
    // Slurm's srun sets its own variables besides those of PMI; a batch step without srun has the number of tasks 1.
    private static readonly (string Rank, string Size, MpiKind? Kind)[] Variables =
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", MpiKind.OpenMpi),
        ("PMI_RANK", "PMI_SIZE", MpiKind.Mpich),
        ("PMIX_RANK", "SLURM_STEP_NUM_TASKS", null),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", null),
    ];

    /// <summary>Returns what the environment says; null if no launcher started this process.</summary>
    /// <param name="variable">Returns the value of an environment variable, or null.</param>
    public static RankLaunch? Read(Func<string, string?> variable)
    {
        foreach ((string rank, string size, MpiKind? kind) in Variables)
        {
            if (Number(variable(rank)) is { } own && Number(variable(size)) is { } all && own < all)
                return new RankLaunch(own, all, kind);
        }
        return null;
    }

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
