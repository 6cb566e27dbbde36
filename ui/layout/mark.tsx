import icon from '../icon.svg'

export function Mark () {
  return <div className='mark'><img src={icon} alt='' width='24' height='24' /> <span>Financial MCP</span></div>
}
