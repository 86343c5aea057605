using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Cli.Commands;

/// <summary>Shows and checks recipes.</summary>
internal sealed class RecipesCommand : Command
{
    public RecipesCommand(ToolConsole console, Workshop workshop)
        : base("recipes", "Lists, shows and checks recipes.")
    {
        Add(new ListCommand(console));
        Add(new ShowCommand(console, workshop));
        Add(new CheckCommand(console, workshop));
    }

    private static Argument<string> RecipeArgument() =>
        new("RECIPE") { Description = "A YAML file, or the name of a built-in recipe." };

    private sealed class ListCommand(ToolConsole console)
        : ToolCommand(console, "list", "Lists the built-in recipes.", "atelier recipes list")
    {
        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            console.Table(["recipe", "description"], BuiltInRecipes.All.Select(r => new[] { r.Name, r.Description }));
            console.Result(() => new JsonObject
            {
                ["recipes"] =
                    new JsonArray([.. BuiltInRecipes.All.Select(r => new JsonObject { ["name"] = r.Name,
                    ["description"] = r.Description })]),
            });
            return Task.FromResult(0);
        }
    }

    private sealed class ShowCommand : ToolCommand
    {
        private readonly Workshop _workshop;
        private readonly Argument<string> _recipe = RecipeArgument();

        private readonly Option<bool> _resolved =
            new("--resolved") { Description = "Includes all default values, as a run stores them." };

        public ShowCommand(ToolConsole console, Workshop workshop)
            : base(console, "show", "Shows a recipe.", "atelier recipes show quickstart --resolved")
        {
            _workshop = workshop;
            Add(_recipe);
            Add(_resolved);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            string name = parse.GetRequiredValue(_recipe);
            Recipe recipe = _workshop.ReadRecipe(name);
            bool asWritten = !parse.GetValue(_resolved);
            string text = asWritten ? BuiltInRecipes.Find(name)?.Text ?? InputFile.ReadAllText(name)
                : RecipeWriter.Write(recipe);
            console.Say(text.TrimEnd());
            console.Result(() => new JsonObject { ["name"] = recipe.Name, ["yaml"] = text });
            return Task.FromResult(0);
        }
    }

    private sealed class CheckCommand : ToolCommand
    {
        private readonly Workshop _workshop;
        private readonly Argument<string> _recipe = RecipeArgument();

        private readonly Option<string[]> _set = TrainCommand.SetOption();

        public CheckCommand(ToolConsole console, Workshop workshop)
            : base(console, "check", "Checks a recipe without running it.",
            "atelier recipes check quickstart --set training.steps=500")
        {
            _workshop = workshop;
            Add(_recipe);
            Add(_set);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            Recipe recipe = _workshop.ReadRecipe(parse.GetRequiredValue(_recipe), parse.GetRequiredValue(_set));
            foreach (string note in recipe.Notes)
                console.Remark(note);
            console.Say($"{recipe.Name}: valid");
            console.Result(() => new JsonObject { ["name"] = recipe.Name, ["family"] = recipe.Model.Family });
            return Task.FromResult(0);
        }
    }
}
