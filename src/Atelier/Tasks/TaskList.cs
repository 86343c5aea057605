using Atelier.Recipes;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Conversations;
using Atelier.Tasks.Images;
using Atelier.Tasks.Labelled;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Series;
using Atelier.Tasks.Tables;
using Atelier.Tasks.Tagged;
using Atelier.Tasks.Text;
using Atelier.Tasks.Video;

namespace Atelier.Tasks;

/// <summary>The list of tasks.</summary>
public static class TaskList
{
    /// <summary>All tasks, in the order of the help text.</summary>
    public static IReadOnlyList<ITask> All { get; } =
    [
        new TextTask(), new ConversationTask(), new PairsTask(), new TableTask(), new TaggingTask(), new LabelledTask(),
        new SeriesTask(), new ImageTask(), new AudioTask(), new VideoTask(),
    ];

    /// <summary>Returns the task of a recipe: the one it names, or else the first task of its family.</summary>
    /// <exception cref="AtelierException">The task does not exist, or the family does not support it.</exception>
    public static ITask Of(Recipe recipe, IModelFamily family)
    {
        if (recipe.Data.Kind is not { } name)
            return family.Tasks[0];
        string known = string.Join(", ", family.Tasks.Select(task => task.Name));
        return family.Tasks.FirstOrDefault(task => task.Name == name)
            ?? throw new AtelierException($"the family {family.Name} does not train on data of the kind '{name}'",
                "data.kind", $"it trains on {known}");
    }
}
