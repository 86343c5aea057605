using Atelier.Tests.Data;
using Atelier.Tests.Models.Diffusion;

[assembly: AssemblyFixture(typeof(Atelier.Server.Tests.TinyImageModel))]

namespace Atelier.Server.Tests;

/// <summary>
/// A diffusion model of shapes, 32 × 32 pixels, trained for ten steps by the first test that needs it.
/// </summary>
public sealed class TinyImageModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<Task<string>> _run;

    public TinyImageModel() => _run = new Lazy<Task<string>>(async () =>
    {
        await TinyShapes.TrainAsync(_folder["run"]);
        return _folder["run"];
    });

    /// <summary>The folder of its run.</summary>
    public Task<string> Run => _run.Value;

    public void Dispose() => _folder.Dispose();
}
