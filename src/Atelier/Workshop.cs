using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors;

namespace Atelier;

/// <summary>
/// Trains, evaluates, opens and converts models in a few calls. A workshop holds the model families and the history of
/// runs. This class is thread-safe.
/// </summary>
/// <example>
/// <code>
/// var workshop = new Workshop();
/// Recipe recipe = workshop.ReadRecipe("quickstart");
/// await workshop.TrainAsync(recipe, new("runs/first"));
/// EvaluationReport report = await workshop.EvaluateAsync("runs/first");
/// using ITrainedModel model = workshop.Open("runs/first");
/// </code>
/// </example>
public sealed partial class Workshop
{
    private readonly string _home;

    /// <summary>Creates a workshop.</summary>
    /// <param name="options">The families, the home folder and the history; null uses the defaults.</param>
    /// <exception cref="ArgumentException">Two families have the same name or load the same type of model.</exception>
    public Workshop(WorkshopOptions? options = null)
    {
        options ??= new WorkshopOptions();
        RefuseTwice(options.Families.Select(family => family.Name), "families are named", nameof(options));
        RefuseTwice(options.Families.SelectMany(family => family.ModelTypes), "families load models of type",
            nameof(options));
        Families = options.Families;
        Tasks = [.. TaskList.All.Concat(Families.SelectMany(family => family.Tasks)).DistinctBy(task => task.Name)];
        _home = options.Home;
        History = options.History ?? new RunHistory(Path.Combine(_home, "history.db"));
    }

    /// <summary>The families that recipes and bundles may name.</summary>
    public IReadOnlyList<IModelFamily> Families { get; }

    /// <summary>The tasks of the library, and those that the families add.</summary>
    public IReadOnlyList<ITask> Tasks { get; }

    /// <summary>The history in which runs are recorded.</summary>
    public RunHistory History { get; }

    /// <summary>Reads a recipe, which may name any family of the workshop.</summary>
    /// <inheritdoc cref="RecipeReader.Read"/>
    public Recipe ReadRecipe(string pathOrName, params IReadOnlyList<string> overrides) =>
        RecipeReader.Read(pathOrName, Families, overrides);

    /// <summary>Loads a finished model.</summary>
    /// <param name="path">The folder of a run or a bundle, a GGUF file, or a llama2.c file with its tokenizer in the
    /// same folder.</param>
    /// <param name="options">The device, and whether the model is to be trained; null uses the defaults.</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <exception cref="AtelierException">There is no model, it is damaged, or its type is unknown.</exception>
    public ITrainedModel Open(string path, OpenOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new OpenOptions();
        TorchSharp.DeviceType device = ComputeDevice.Resolve(options.Device).type;
        WeightType cache = options.CacheType switch
        {
            "f32" => WeightType.F32,
            "f16" => WeightType.F16,
            "q8_0" => WeightType.Q8_0,
            string other => throw new AtelierException($"keys and values cannot be cached in '{other}'",
                Mention.Field("cache-type"), "allowed: f32, f16 and q8_0"),
        };
        bool isManaged = !options.ForTraining && device == TorchSharp.DeviceType.CPU;
        if (!options.ForTraining && File.Exists(path))
        {
            return isManaged
                ? TextModelFile.Open(path, cacheType: cache)
                : throw new AtelierException("a model in a single file runs on the CPU only", path,
                    $"take {Mention.Field("device")} cpu, or import it first: {Mention.Command("import")}");
        }
        var bundle = Bundle.Open(path, History);
        // Models that no family trains have no libtorch, and so no GPU, to run on.
        isManaged |= !options.ForTraining && options.Device == "auto" && !HasFamily(bundle);
        if (cache != WeightType.F32 && !(isManaged && TextModelFile.ModelTypes.Contains(bundle.ModelType)))
            throw new AtelierException($"only models that continue texts on the CPU cache keys and values in "
                + $"{options.CacheType}", Mention.Field("cache-type"), "leave it out");
        return isManaged && OpenManaged(bundle, cache) is { } model
            ? model
            : FamilyOf(bundle).Load(bundle, device.ToString().ToLowerInvariant(), cancellation);
    }

    /// <summary>
    /// Returns the options that a request to a model can have, in the order to show them. The example of the prompt is
    /// of the run's data where they are there and have one.
    /// </summary>
    /// <param name="path">A path as for <see cref="Open"/>.</param>
    /// <exception cref="AtelierException">There is no model, it is damaged, or its type is unknown.</exception>
    public IReadOnlyList<RequestOption> RequestOptions(string path)
    {
        using ITrainedModel model = Open(path, new OpenOptions { Device = "cpu" });
        IReadOnlyList<RequestOption> options = TaskOf(path, model).RequestOptions(model);
        string? prompt = null;
        try
        {
            using IDataSource data = OpenData(path);
            prompt = TaskOf(path).ExamplePrompt(data);
        }
        catch (AtelierException)
        {
            // a bundle alone, or a run whose data were deleted
        }
        return prompt is null ? options : [.. options.Select(option =>
            option.Field == "prompt" ? option with { Example = prompt } : option)];
    }

    /// <summary>Opens the prepared data of a run.</summary>
    /// <exception cref="AtelierException">There is no run, or its data are missing.</exception>
    public IDataSource OpenData(string runFolder) => TaskOf(runFolder).Open(Path.Combine(runFolder, "data"));

    /// <summary>Returns the family that a recipe names.</summary>
    /// <exception cref="AtelierException">No family has that name.</exception>
    public IModelFamily FamilyOf(Recipe recipe)
    {
        string name = recipe.Model.Family;
        return Families.FirstOrDefault(family => family.Name == name)
            ?? throw new AtelierException($"there is no family '{name}'", "model.family",
                $"there are {string.Join(", ", Families.Select(family => family.Name))}");
    }

    /// <summary>Returns the task of a run.</summary>
    /// <exception cref="AtelierException">There is no run, or its recipe is damaged.</exception>
    public ITask TaskOf(string runFolder)
    {
        Recipe recipe = Run.ReadRecipe(runFolder, Families);
        return TaskList.Of(recipe, FamilyOf(recipe));
    }

    /// <summary>Returns the task that can evaluate a model.</summary>
    /// <exception cref="AtelierException">No task can evaluate the model.</exception>
    public ITask TaskOf(ITrainedModel model) => Tasks.FirstOrDefault(task => task.Evaluates(model))
        ?? throw new AtelierException("this kind of model cannot be evaluated");

    /// <summary>
    /// Returns the task of a model in a folder or file: that of its run, since some models serve several tasks, or else
    /// the first one that can evaluate the model.
    /// </summary>
    /// <param name="path">The path that the model was opened from.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="AtelierException">No task can evaluate the model.</exception>
    public ITask TaskOf(string path, ITrainedModel model)
    {
        if (Run.Exists(path))
        {
            try
            {
                ITask task = TaskOf(path);
                if (task.Evaluates(model))
                    return task;
            }
            catch (AtelierException)
            {
                // The model of a run can be used without its recipe.
            }
        }
        return TaskOf(model);
    }

    private IModelFamily FamilyOf(Bundle bundle)
    {
        string type = bundle.ModelType;
        IEnumerable<string> trained = Families.SelectMany(family => family.ModelTypes);
        return Families.FirstOrDefault(family => family.ModelTypes.Contains(type))
            ?? throw (TextModelFile.ModelTypes.Contains(type)
                ? new AtelierException($"models of type '{type}' can be used on the CPU, but not trained further",
                    bundle.ConfigPath, "start from a model of another type, such as gpt2 or llama")
                : new AtelierException($"models of type '{type}' are not supported", bundle.ConfigPath,
                    $"the supported types are {string.Join(", ", trained.Union(TextModelFile.ModelTypes))}"));
    }

    private bool HasFamily(Bundle bundle) => Families.Any(family => family.ModelTypes.Contains(bundle.ModelType));

    /// <summary>Opens a model in the managed runtime, or returns null if it does not support the type.</summary>
    private static ITrainedModel? OpenManaged(Bundle bundle, WeightType cache) => bundle.ModelType switch
    {
        string type when TextModelFile.ModelTypes.Contains(type) => TextModelFile.Open(bundle.Folder, cacheType: cache),
        string type when SequenceToSequenceFile.ModelTypes.Contains(type) => SequenceToSequenceFile.Open(bundle.Folder),
        _ when MaskedTextFile.Supports(ConfigFile.Read(bundle.ConfigPath)) => MaskedTextFile.Open(bundle.Folder),
        _ => null,
    };

    private static void RefuseTwice(IEnumerable<string> names, string what, string parameter)
    {
        if (names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { Key: var name })
            throw new ArgumentException($"two {what} '{name}'", parameter);
    }
}
