using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Optimizers;

/// <summary>
/// TorchScript functions for operators that TorchSharp does not bind, each of which processes a list of tensors in one
/// native call. Lists must be arguments, because TorchScript drops an in-place operation on a list that the script
/// itself creates.
/// </summary>
internal static class TensorScripts
{
    private const string Source = """
        def adam(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor],
                 lr: float, beta1: float, beta2: float, decay: float, eps: float):
            torch._fused_adam_(p, g, m, v, [], t, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps,
                               amsgrad=False, maximize=False)

        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor],
                  lr: float, beta1: float, beta2: float, decay: float, eps: float):
            torch._fused_adamw_(p, g, m, v, [], t, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps,
                                amsgrad=False, maximize=False)

        def advance(t: List[Tensor]):
            torch._foreach_add_(t, 1.0)

        def decay(p: List[Tensor], g: List[Tensor], decay: float):
            torch._foreach_add_(g, p, alpha=decay)

        def sgd(p: List[Tensor], g: List[Tensor], lr: float):
            torch._foreach_add_(p, g, alpha=-lr)

        def momentum(p: List[Tensor], g: List[Tensor], m: List[Tensor], momentum: float, nesterov: bool, lr: float):
            torch._foreach_mul_(m, momentum)
            torch._foreach_add_(m, g)
            if nesterov:
                torch._foreach_add_(g, m, alpha=momentum)
                torch._foreach_add_(p, g, alpha=-lr)
            else:
                torch._foreach_add_(p, m, alpha=-lr)

        def rmsprop(g: List[Tensor], v: List[Tensor], rho: float, eps: float):
            torch._foreach_mul_(v, rho)
            torch._foreach_addcmul_(v, g, g, 1.0 - rho)
            torch._foreach_div_(g, torch._foreach_add(torch._foreach_sqrt(v), eps))

        def adagrad(g: List[Tensor], v: List[Tensor], eps: float):
            torch._foreach_addcmul_(v, g, g, 1.0)
            torch._foreach_div_(g, torch._foreach_add(torch._foreach_sqrt(v), eps))

        def lion(p: List[Tensor], g: List[Tensor], m: List[Tensor],
                 lr: float, beta1: float, beta2: float, decay: float):
            torch._foreach_mul_(p, 1.0 - lr * decay)
            torch._foreach_add_(p, torch._foreach_sign(torch._foreach_lerp(m, g, 1.0 - beta1)), alpha=-lr)
            torch._foreach_lerp_(m, g, 1.0 - beta2)

        def adafactor(p: List[Tensor], g: List[Tensor], r: List[Tensor], c: List[Tensor], t: List[Tensor],
                      lr: float, power: float, square_floor: float, weight_floor: float, decay: float):
            for i in range(len(p)):
                new = t[i].pow(power)
                squares = g[i] * g[i] + square_floor
                if p[i].dim() < 2:
                    r[i].lerp_(squares, new)
                    u = g[i] * r[i].rsqrt()
                else:
                    r[i].lerp_(squares.mean(-1), new)
                    c[i].lerp_(squares.mean(-2), new)
                    u = g[i] * (r[i] / r[i].mean(-1, keepdim=True)).rsqrt().unsqueeze(-1) * c[i].rsqrt().unsqueeze(-2)
                rate = lr * p[i].square().mean().sqrt().clamp(min=weight_floor)
                p[i].mul_(1.0 - rate * decay)
                p[i].addcmul_(u, rate / u.square().mean().sqrt().clamp(min=1.0), value=-1.0)

        def norm(x: List[Tensor]) -> Tensor:
            return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(x, 2.0)))

        def clip(norms: List[Tensor], largest: float) -> List[Tensor]:
            norm = torch.linalg_vector_norm(torch.stack(norms))
            return [norm, torch.clamp(largest / (norm + 1e-6), max=1.0)]

        def scale(g: List[Tensor], factor: Tensor):
            torch._foreach_mul_(g, factor)

        def add(a: List[Tensor], b: List[Tensor]):
            torch._foreach_add_(a, b)

        def lerp(a: List[Tensor], b: List[Tensor], weight: float):
            torch._foreach_lerp_(a, b, weight)

        def copy(to: List[Tensor], source: List[Tensor]):
            torch._foreach_copy_(to, source)

        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile(Source)!);

    /// <summary>Calls a function with one list, without a result.</summary>
    public static void Run(string name, Tensor[] list) => Unit.Value.Run(name, [list]);

    /// <summary>Calls a function without a result.</summary>
    public static void Run(string name, params object[] arguments) => Unit.Value.Run(name, arguments);

    /// <summary>Returns the global L2 norm of all tensors, a scalar.</summary>
    public static Tensor Norm(Tensor[] list) => (Tensor)Unit.Value.Run("norm", [list]);

    /// <summary>
    /// Returns the global norm of gradients from the norms of their parts, and the factor that scales it down to at
    /// most <paramref name="largest"/>.
    /// </summary>
    public static (Tensor Norm, Tensor Factor) Clip(Tensor[] norms, double largest)
    {
        var results = (Tensor[])Unit.Value.Run("clip", norms, largest);
        return (results[0], results[1]);
    }

    /// <summary>Copies tensors. The copies belong to no dispose scope.</summary>
    public static Tensor[] Clone(IEnumerable<Tensor> list)
    {
        using var noGradients = no_grad();
        return [.. list.Select(tensor => tensor.clone().DetachFromDisposeScope())];
    }
}
