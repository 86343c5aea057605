using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Atelier.Abstractions;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.TestSupport;

namespace Atelier.Tests.Docs;

/// <summary>docs/recipes.md is made from the records that recipes are bound to and their docstrings.</summary>
public sealed partial class RecipeReferenceTests
{
    [Fact]
    public void The_page_of_recipe_keys_says_what_the_code_says()
    {
        string path = Path.Combine(Repository.Folder, "docs", "recipes.md");
        string made = Make();
        if (Environment.GetEnvironmentVariable("ATELIER_UPDATE_DOCS") == "1")
            File.WriteAllText(path, made);
        File.ReadAllText(path)
            .ShouldBe(made, "run ATELIER_UPDATE_DOCS=1 ./test --filter-class '*RecipeReferenceTests'");
    }

    private static string Make()
    {
        var text = new StringBuilder("""
            # Recipes

            A recipe is a YAML file that says what to make. Every key has a default; a run's folder holds the recipe
            with all of them filled in. An unknown or ignored key, a wrong type or an impossible value is refused with
            the line it stands on and the nearest right key. `--set section.key=value` changes single values on the
            command line.

                ./atelier recipes list              the built-in ones
                ./atelier recipes show names        one of them, to start from
                ./atelier recipes check my.yaml     whether it can be used, and what its defaults come to

            This page is made from the code by its test.


            """);
        var comments = Comments();
        Section(text, comments, "The recipe", "", new Recipe());
        Section(text, comments, "data", "data.", new DataSection());
        Section(text, comments, "data.split", "data.split.", new SplitSection());
        Section(text, comments, "data.tokenizer", "data.tokenizer.", new TokenizerSection());
        Section(text, comments, "data.conversations", "data.conversations.", new ConversationsSection());
        Section(text, comments, "data.pairs", "data.pairs.", new PairsSection());
        Section(text, comments, "data.image", "data.image.", new ImageSection());
        Section(text, comments, "data.image.augment", "data.image.augment.", new AugmentSection());
        Section(text, comments, "data.audio", "data.audio.", new AudioSection());
        Section(text, comments, "data.audio.spectrogram", "data.audio.spectrogram.", new SpectrogramSection());
        Section(text, comments, "data.audio.augment", "data.audio.augment.", new AudioAugmentSection());
        Section(text, comments, "data.video", "data.video.", new VideoSection());
        Section(text, comments, "data.table", "data.table.", new TableSection());
        foreach (IModelFamily family in ModelFamilies.All)
            Section(text, comments, $"model, family {family.Name}: {family.Description}", "model.",
                Activator.CreateInstance(family.ConfigType)!);
        Section(text, comments, "training", "training.", new TrainingSection());
        Section(text, comments, "training.freeze", "training.freeze.", new FreezeSection());
        Section(text, comments, "training.lora", "training.lora.", new LoraSection());
        Section(text, comments, "training.optimizer", "training.optimizer.", new OptimizerSection());
        Section(text, comments, "training.schedule", "training.schedule.", new ScheduleSection());
        Section(text, comments, "evaluation", "evaluation.", new EvaluationSection());
        Section(text, comments, "generation", "generation.", new GenerationSection());
        return text.ToString().TrimEnd() + "\n";
    }

    private static void Section(StringBuilder text, Dictionary<string, string> comments, string title, string prefix,
        object defaults)
    {
        text.Append(CultureInfo.InvariantCulture,
            $"## {title}\n| key | default | range | what it is |\n|---|---|---|---|\n");
        foreach ((object owner, PropertyInfo property) in RecipeNames.Keys(defaults))
        {
            object? value = property.GetValue(owner);
            bool nested = value?.GetType().Namespace == typeof(Recipe).Namespace && value is not Enum;
            text.Append(CultureInfo.InvariantCulture,
                $"| `{prefix}{JsonName(property.Name)}` | {(nested ? "see below" : $"`{Show(value)}`")} | "
                    + $"{Range(property)} | "
                    + $"{comments.GetValueOrDefault($"P:{property.DeclaringType}.{property.Name}", "")} |\n");
        }
        text.Append('\n');
    }

    private static string Show(object? value) => value switch
    {
        null => "null",
        string text => text,
        bool flag => flag ? "true" : "false",
        Enum name => Kebab(name.ToString()),
        System.Collections.IEnumerable list =>
            $"[{string.Join(", ", list.Cast<object>().Select(item => $"\"{item}\""))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Range(PropertyInfo property)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum)
            return string.Join(", ", Enum.GetNames(type).Select(Kebab));
        if (property.GetCustomAttribute<RangeAttribute>() is not { } range)
            return "";
        string from = Show(range.Minimum), to = Show(range.Maximum);
        return range.Maximum is int.MaxValue or double and >= 9e18 ? $"from {from}" : $"{from} to {to}";
    }

    private static string JsonName(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static string Kebab(string name) => WordStart().Replace(name, "-$0").ToLowerInvariant();

    private static Dictionary<string, string> Comments() => new[] { typeof(Recipe), typeof(DecodingOptions) }
        .SelectMany(type => XDocument.Load(Path.ChangeExtension(type.Assembly.Location, ".xml")).Descendants("member"))
        .ToDictionary(m => m.Attribute("name")!.Value, m => Spaces().Replace(Plain(m.Element("summary")), " ").Trim());

    private static string Plain(XElement? element) =>
        element is null ? "" : string.Concat(element.Nodes().Select(node => node switch
    {
        XElement see => see.Attribute("cref")?.Value.Split('.')[^1] ?? see.Value,
        _ => node.ToString(),
    }));

    [GeneratedRegex("(?<=[a-z0-9])[A-Z]", RegexOptions.None, 1000)]
    private static partial Regex WordStart();

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
