using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Data.Worlds;

namespace Atelier.Data;

/// <summary>A source that is generated from a seed.</summary>
/// <param name="Name">The name that recipes use, such as "world:shapes".</param>
/// <param name="Description">A description in one line.</param>
/// <param name="Kind">The kind of its data.</param>
public sealed record WorldEntry(string Name, string Description, Modality Kind);

/// <summary>The list of all worlds, of all kinds of data.</summary>
public static class WorldList
{
    /// <summary>All worlds, in the order of their kinds.</summary>
    public static IReadOnlyList<WorldEntry> All { get; } =
    [
        .. TextWorlds.All.Select(world => new WorldEntry(world.Name, world.Description, Modality.Text)),
        .. PairWorld.All.Select(world => new WorldEntry(world.Name, world.Description, Modality.Pairs)),
        new(ShapesWorld.Name, ShapesWorld.Description, Modality.Image),
        new(SoundsWorld.Name, SoundsWorld.Description, Modality.Audio),
        new(MovingShapes.Name, MovingShapes.Description, Modality.Video),
        new(MovingDigits.Name, MovingDigits.Description, Modality.Video),
    ];
}
