using Atelier.Tensors;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Atelier.Tests.Tensors;

/// <summary>Reads the compiled code, since a number that is freed too early shows only now and then.</summary>
public class KeptScalarsTests
{
    private const string Scalar = "TorchSharp.Scalar";

    [Fact]
    public void A_number_that_goes_to_the_tensor_library_outlives_the_call()
    {
        using ModuleDefinition library = ModuleDefinition.ReadModule(typeof(TorchSharp.torch).Assembly.Location);
        using ModuleDefinition ours = ModuleDefinition.ReadModule(typeof(KeptScalars).Assembly.Location);
        HashSet<string> makers = MakersOfScalars(library);
        makers.ShouldContain(name => name.Contains("Tensor::square"), "the library's own temporaries are found");

        string[] unkept = [.. Bodies(ours).Where(method => !IsKept(method)).SelectMany(method => Calls(method)
            .Where(called => IsConversion(called) || makers.Contains(called.FullName))
            .Select(called => $"{method.DeclaringType.Name}.{method.Name} calls {called.FullName}"))];

        unkept.ShouldBeEmpty("use KeptScalars, which keeps the number alive until the call has returned");
    }

    /// <summary>A number in a static field lives as long as the program; KeptScalars keeps the others.</summary>
    private static bool IsKept(MethodDefinition method) =>
        method.Name == ".cctor"
            || method.DeclaringType.FullName.StartsWith(typeof(KeptScalars).FullName!, StringComparison.Ordinal);

    /// <summary>The library's methods that make a temporary number, or call one that does.</summary>
    private static HashSet<string> MakersOfScalars(ModuleDefinition library)
    {
        (string Name, HashSet<string> Calls)[] methods = [.. Bodies(library)
            .Where(method => method.DeclaringType.FullName != Scalar)
            .Select(method => (method.FullName, Calls(method).Select(called => called.FullName).ToHashSet()))];
        var makers = new HashSet<string>(Bodies(library).Where(method => Calls(method).Any(IsConversion))
            .Select(method => method.FullName));
        int count;
        do
        {
            count = makers.Count;
            makers.UnionWith([.. methods.Where(method => method.Calls.Overlaps(makers)).Select(method => method.Name)]);
        }
        while (makers.Count > count);
        return makers;
    }

    private static IEnumerable<MethodDefinition> Bodies(ModuleDefinition module) =>
        module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody);

    private static IEnumerable<MethodReference> Calls(MethodDefinition method) => method.Body.Instructions
        .Where(instruction => instruction.OpCode.FlowControl == FlowControl.Call)
        .Select(instruction => instruction.Operand)
        .OfType<MethodReference>()
        .Select(called => called.GetElementMethod());

    private static bool IsConversion(MethodReference called) =>
        called.DeclaringType.FullName == Scalar && called.Name is "op_Implicit" or ".ctor";
}
