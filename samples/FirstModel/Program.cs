// Teaches a small model little stories, judges it against the best possible, and lets it tell one.
// dotnet run -c Release --project samples/FirstModel -- runs/first training.steps=300
using Atelier;
using Atelier.Abstractions;

string folder = args.Length > 0 ? args[0] : "runs/first";
var workshop = new Workshop();
var recipe = workshop.ReadRecipe("quickstart", args.Skip(1).ToArray());

await workshop.TrainAsync(recipe, new(folder));
var report = await workshop.EvaluateAsync(folder);
Console.WriteLine(report.Verdict);

using var model = workshop.Open(folder);
await foreach (var sample in model.Require<IGenerator>().GenerateAsync(new GenerationRequest { Count = 2, Seed = 7 }))
    Console.WriteLine(((TextSample)sample).Text);
